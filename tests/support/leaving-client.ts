import { Agent, request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { until } from './until.ts'

/** A client of its own connection, that can be gone from one moment to the next. */
export interface LeavingClient {
  /** What has come so far. */
  readonly text: string
  readonly status: number | undefined
  readonly requestId: string
  /** Resolves when so many bytes have come, or all there were. */
  received(bytes: number): Promise<void>
  /** Resolves when the answer is over, whole or cut. */
  readonly ended: Promise<void>
  /** Resets the connection; resolves when the gateway, in this process, has been told so. */
  leave(): Promise<void>
}

/** Sends a chat request; its row can be told by the user agent. */
export function leavingClient(
  { url, secret }: { url: string; secret: string },
  body: object,
  userAgent = 'leaving-client',
): LeavingClient {
  const agent = new Agent({ keepAlive: false })
  let text = Buffer.alloc(0)
  let response: IncomingMessage | undefined
  const over = Promise.withResolvers<void>()
  let isOver = false
  void over.promise.then(() => (isOver = true))
  const sent = request(`${url}/v1/chat/completions`, {
    method: 'POST',
    agent,
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'user-agent': userAgent,
    },
  })
  const socket = new Promise<Socket>((resolve) => sent.once('socket', resolve))
  sent.on('error', () => over.resolve())
  sent.once('response', (answer) => {
    response = answer
    answer.on('data', (bytes: Buffer) => (text = Buffer.concat([text, bytes])))
    answer.on('error', () => {})
    answer.once('close', () => over.resolve())
  })
  sent.end(JSON.stringify(body))
  return {
    get text() {
      return text.toString('utf8')
    },
    get status() {
      return response?.statusCode
    },
    get requestId() {
      return String(response?.headers['x-request-id'])
    },
    ended: over.promise,
    received: (bytes) => until(() => text.length >= bytes || isOver).then(() => {}),
    async leave() {
      const gone = over.promise
      ;(await socket).resetAndDestroy()
      await gone
      // The reset is before these at the gateway's door.
      for (let round = 0; round < 2; round += 1) await (await fetch(`${url}/healthz`)).text()
    },
  }
}
