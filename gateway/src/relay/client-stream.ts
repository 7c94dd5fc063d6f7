import type { ServerResponse } from 'node:http'
import { KEEP_ALIVE } from './stream-events.ts'

/** A silent stream gets a comment this often, so that no proxy on the way gives it up. */
const KEEP_ALIVE_MS = 15_000

/**
 * The client's end of a stream, from the moment its request is admitted: kept alive while the upstream takes its time,
 * and with its head unwritten until there is something to send, so that until then an error can have a true status.
 */
export class ClientStream {
  readonly #out: ServerResponse
  readonly #headers: Record<string, string>
  readonly #keepAlive: NodeJS.Timeout

  constructor(out: ServerResponse, headers: Record<string, string>) {
    this.#out = out
    this.#headers = headers
    this.#keepAlive = setInterval(() => this.write(KEEP_ALIVE), KEEP_ALIVE_MS)
  }

  /** Whether the head is written: from then on, an error is an event. */
  get begun(): boolean {
    return this.#out.headersSent
  }

  /** Adds to the head, if it is still to be written. */
  describe(headers: Record<string, string>): void {
    Object.assign(this.#headers, headers)
  }

  /** Sends bytes; false while the client is slower than they come. */
  write(bytes: Buffer | string): boolean {
    if (!this.begun) {
      this.#out.writeHead(200, {
        ...this.#headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      })
    }
    this.#keepAlive.refresh()
    return this.#out.write(bytes)
  }

  /** Ends the answer with these events. */
  end(events: string): void {
    this.rest()
    this.write(events)
    this.#out.end()
  }

  /** Sends no more comments: what is to come is on its way. */
  rest(): void {
    clearInterval(this.#keepAlive)
  }
}
