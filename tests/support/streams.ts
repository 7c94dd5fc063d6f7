import type { ServerResponse } from 'node:http'
import { until } from './until.ts'
import type { TestUpstream, UpstreamCall } from './upstream.ts'

/** A stream an upstream is in the middle of, to be written piece by piece. */
export interface OpenStream {
  readonly call: UpstreamCall
  readonly out: ServerResponse
  /** Whether its connection is closed. */
  readonly closed: boolean
  write(...events: readonly string[]): void
  end(...events: readonly string[]): void
}

/** From now on the upstream begins a stream for every request and leaves the rest to the test. */
export function streaming(upstream: TestUpstream): {
  /** All streams begun, in order. */
  readonly streams: readonly OpenStream[]
  /** The next stream, once it has begun. */
  next(): Promise<OpenStream>
} {
  const streams: OpenStream[] = []
  let taken = 0
  upstream.behave((out, call) => {
    let closed = false
    void call.closed.then(() => (closed = true))
    out.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    streams.push({
      call,
      out,
      get closed() {
        return closed
      },
      write: (...events) => void out.write(events.join('')),
      end: (...events) => void out.end(events.join('')),
    })
  })
  return {
    streams,
    async next() {
      const place = taken
      taken += 1
      return until(() => streams[place])
    },
  }
}
