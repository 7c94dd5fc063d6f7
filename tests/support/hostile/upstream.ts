import { createServer, type AddressInfo, type Socket } from 'node:net'

/** One request the gateway made, and the bare connection to answer it by. */
export interface Peer {
  readonly socket: Socket
  /** Whether a stream was asked for. */
  readonly stream: boolean
  /** How many requests came by this connection, this one included. */
  readonly nth: number
  /** Resolves when some of the answer has come to the client. */
  readonly heard: Promise<void>
  /** Sends bytes; resolves when there is room for more, or nobody reads any more. */
  write(bytes: string | Uint8Array): Promise<void>
  /** Sends bytes, if any, and closes in order. */
  end(bytes?: string | Uint8Array): void
  /** Closes with a reset. */
  reset(): void
}

/** What is done to a request: anything bytes can do. */
export type Behaviour = (peer: Peer) => unknown

/** A behaviour that does not wait for the request's body. */
export interface Eager {
  readonly eager: Behaviour
}

export interface HostileUpstream {
  /** Base URL, as a provider's. */
  readonly url: string
  /** Requests since the last `behave`. */
  readonly requests: number
  /** Bytes sent since the last `behave` on connections that were used since. */
  readonly bytesSent: number
  behave(behaviour: Behaviour | Eager): void
  /** Is told by the test that its client has heard something. */
  hear(): void
  /** Ends every connection there is. */
  disconnect(): void
  close(): Promise<void>
}

/** Starts a server that speaks HTTP only as far as a behaviour makes it. */
export async function startHostileUpstream(): Promise<HostileUpstream> {
  let behaviour: Behaviour | Eager = (peer) => peer.reset()
  let requests = 0
  const sockets = new Set<Socket>()
  const used = new Map<Socket, number>()
  let heard = Promise.withResolvers<void>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    readRequests(socket, {
      isEager: () => 'eager' in behaviour,
      heard: () => heard.promise,
      play: (peer) => {
        requests += 1
        if (!used.has(socket)) used.set(socket, socket.bytesWritten)
        void ('eager' in behaviour ? behaviour.eager(peer) : behaviour(peer))
      },
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get requests() {
      return requests
    },
    get bytesSent() {
      return [...used].reduce((sum, [socket, before]) => sum + socket.bytesWritten - before, 0)
    },
    behave(next) {
      behaviour = next
      requests = 0
      used.clear()
      heard = Promise.withResolvers<void>()
    },
    hear: () => heard.resolve(),
    disconnect: () => sockets.forEach((socket) => socket.destroy()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        sockets.forEach((socket) => socket.destroy())
      }),
  }
}

interface Reader {
  readonly isEager: () => boolean
  readonly heard: () => Promise<void>
  readonly play: (peer: Peer) => void
}

/** Reads requests one after another; the gateway's have a length. */
function readRequests(socket: Socket, { isEager, heard, play }: Reader): void {
  let read = Buffer.alloc(0)
  let nth = 0
  let isPlayed = false
  socket.on('data', (bytes: Buffer) => {
    read = Buffer.concat([read, bytes])
    const head = read.indexOf('\r\n\r\n') + 4
    if (head < 4) return
    const length = Number(/content-length: (\d+)/i.exec(read.toString('latin1', 0, head))![1])
    if (!isPlayed && (isEager() || read.length >= head + length)) {
      isPlayed = true
      nth += 1
      play(peerOf(socket, nth, read.subarray(head), heard()))
    }
    if (read.length < head + length) return
    read = read.subarray(head + length)
    isPlayed = false
  })
}

const peerOf = (socket: Socket, nth: number, body: Buffer, heard: Promise<void>): Peer => ({
  socket,
  nth,
  heard,
  stream: body.includes('"stream":true'),
  write: (bytes) =>
    new Promise((resolve) => {
      if (!socket.writable || socket.write(bytes)) return resolve()
      const goOn = () => {
        socket.off('drain', goOn)
        socket.off('close', goOn)
        resolve()
      }
      socket.once('drain', goOn)
      socket.once('close', goOn)
    }),
  end: (bytes) => void (bytes === undefined ? socket.end() : socket.end(bytes)),
  reset: () => socket.resetAndDestroy(),
})
