import type { ServerResponse } from 'node:http'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { sayings } from './said.ts'
import { plainOf, streamOf, type Wire } from './wire.ts'

export interface DialectServer {
  /** The provider's base URL. */
  readonly url: string
  /** Bodies of the requests it took. */
  readonly bodies: readonly Readonly<Record<string, unknown>>[]
  /** Bytes a write; all at once unless set. */
  cut(bytes: number | undefined): void
  /** Answers the next request with this instead. */
  fail(status: number, body: object | string): void
  close(): Promise<void>
}

/** A server that speaks a provider's dialect: refuses what it refuses, and says what the last user message names. */
export async function startDialectServer(wire: Wire): Promise<DialectServer> {
  const upstream: TestUpstream = await startUpstream()
  const bodies: Readonly<Record<string, unknown>>[] = []
  let bytes: number | undefined
  let failure: { status: number; body: object | string } | undefined
  upstream.behave((out, { body, path, headers }) => {
    const fail = (status: number, message: object | string) =>
      out
        .writeHead(status, { 'content-type': 'application/json' })
        .end(typeof message === 'string' ? message : JSON.stringify(message))
    const { status, body: told } = failure ?? {}
    failure = undefined
    if (status) return fail(status, told!)
    if (path !== `${wire.path}/chat/completions`) return fail(404, {})
    if (headers.authorization !== `Bearer key-of-${wire.provider}`) return fail(401, {})
    const refused = body['model'] === wire.upstreamModel ? wire.refuses(body) : 'unknown model'
    if (refused) return fail(400, { error: { message: refused, type: 'invalid_request_error' } })
    bodies.push(body)
    const prompt = (body['messages'] as { content: unknown }[]).at(-1)!.content
    const said = sayings.find(({ name }) => name === prompt)!
    if (body['stream'] !== true) return fail(200, plainOf(wire, said))
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    return send(out, Buffer.from(streamOf(wire, said)), bytes)
  })
  return {
    url: upstream.url.replace(/\/v1$/, wire.path),
    bodies,
    cut: (size) => (bytes = size),
    fail: (status, body) => (failure = { status, body }),
    close: () => upstream.close(),
  }
}

async function send(out: ServerResponse, whole: Buffer, bytes = whole.length): Promise<void> {
  out.socket?.setNoDelay(true)
  for (let at = 0; at < whole.length; at += bytes) {
    out.write(whole.subarray(at, at + bytes))
    if (bytes < whole.length) await new Promise(setImmediate)
  }
  out.end()
}
