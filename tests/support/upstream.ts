import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { findIn, refuse, type Finding } from './canary/findings.ts'

/** A request the gateway made. */
export interface UpstreamCall {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
  /** The connection it came by. */
  readonly socket: Socket
  /** Resolves when that connection, or the answer on it, is closed. */
  readonly closed: Promise<void>
}

/** What a test makes the upstream do with a request: anything a real one may, and worse. */
export type Behaviour = (out: ServerResponse, call: UpstreamCall) => unknown

export interface TestUpstream {
  /** Base URL, as a provider's. */
  readonly url: string
  /** Requests since the last `behave`. */
  readonly calls: readonly UpstreamCall[]
  /** How requests are answered from now on. */
  behave(behaviour: Behaviour): void
  /** @throws where it was sent a key of ours */
  close(): Promise<void>
}

/** Starts an upstream that does as it is told; a 500 until it is. */
export async function startUpstream(): Promise<TestUpstream> {
  let behaviour: Behaviour = (out) => out.writeHead(500).end()
  const calls: UpstreamCall[] = []
  const findings: Finding[] = []
  const server = createServer((incoming, out) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const call: UpstreamCall = {
        path: incoming.url!,
        headers: incoming.headers,
        body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as UpstreamCall['body'],
        socket: incoming.socket,
        closed: new Promise((resolve) => out.once('close', resolve)),
      }
      calls.push(call)
      findings.push(
        ...findIn(JSON.stringify([call.headers, call.body]), 'what an upstream was sent', [
          'api key',
        ]),
      )
      behaviour(out, call)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    behave(next) {
      calls.length = 0
      behaviour = next
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      refuse(findings)
    },
  }
}

/** Answers JSON, by default with 200. */
export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Behaviour =>
  (out) =>
    out
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof value === 'string' ? value : JSON.stringify(value))

/** Answers a stream of these events, whole. */
export const events =
  (...frames: readonly string[]): Behaviour =>
  (out) =>
    out.writeHead(200, { 'content-type': 'text/event-stream' }).end(frames.join(''))

/** One server-sent event. */
export const event = (value: unknown): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
