import type { Socket } from 'node:net'
import { buildConnector, Pool } from 'undici'

/** Until a connection stands, TLS and all: who takes longer is away. */
const CONNECT_MS = 5_000
/** Silence inside an answer; providers send keep-alives far more often. */
const IDLE_MS = 120_000

/**
 * At most so many connections to one origin, which is the operator's to choose and no request's. Redirects are not followed and nothing is
 * decompressed: a dispatcher does neither.
 */
export const openPool = (origin: string, connections: number): Pool =>
  new Pool(origin, { connections, bodyTimeout: IDLE_MS, connect: noting() })

/** Connects as undici does, and notes with a connection's error whether it had brought an answer before. */
function noting(): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_MS })
  return (options, callback) => {
    connect(options, (...connected) => {
      const [, socket] = connected
      socket?.prependListener('error', (error) => note(error, socket))
      callback(...connected)
    })
  }
}

const ofUsed = new WeakSet<Error>()
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Bytes are counted behind TLS, so that a handshake is none. */
function note(error: NodeJS.ErrnoException, { bytesRead }: Socket): void {
  if (bytesRead > 0 && CLOSED.has(error.code ?? '')) ofUsed.add(error)
}

/**
 * Whether an error that came before any answer is that of a connection which had been used before and was closed. Most
 * likely it was so while it lay idle, and the request has never been looked at.
 */
export const isOfUsedConnection = (error: unknown): boolean =>
  error instanceof Error && ofUsed.has(error)
