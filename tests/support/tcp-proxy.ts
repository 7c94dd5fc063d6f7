import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** The parameters a PostgreSQL client states when it connects. */
export type StartupParameters = Readonly<Record<string, string>>

/** A wire between clients and a PostgreSQL that can lose what the server says. */
export interface TcpProxy {
  /** The address of the same database by this wire. */
  readonly url: string
  /** What each connection so far has stated about itself. */
  readonly connections: readonly StartupParameters[]
  /** From now on whatever the server says is lost; what the clients say still arrives. */
  swallow(): void
  /** Works again. Connections that lost something are cut. */
  pass(): void
  close(): Promise<void>
}

/** Lays a wire to the PostgreSQL at a connection URL. */
export async function startTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(databaseUrl)
  const connections: StartupParameters[] = []
  const sockets = new Set<Socket>()
  const lossy = new Set<Socket>()
  let swallowing = false
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    client.once('data', (bytes) => connections.push(startupParametersIn(bytes)))
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      if (swallowing) lossy.add(client)
      else client.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    connections,
    swallow: () => void (swallowing = true),
    pass() {
      swallowing = false
      lossy.forEach((client) => client.destroy())
      lossy.clear()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        sockets.forEach((socket) => socket.destroy())
      }),
  }
}

/** A startup message: its length, the protocol's version, then names and values, each ended by a NUL. */
function startupParametersIn(message: Buffer): StartupParameters {
  const words = message.subarray(8, message.readInt32BE(0)).toString('utf8').split('\0')
  return Object.fromEntries(
    words.flatMap((word, at) => (at % 2 === 0 && word ? [[word, words[at + 1]!]] : [])),
  )
}
