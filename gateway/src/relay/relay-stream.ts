import type { ServerResponse } from 'node:http'
import { receiptOf, type Outcome } from '@smartoken/prisma/bill'
import { ApiError } from '../errors.ts'
import { readUsage } from '../metering/read-usage.ts'
import { settle, type Settled } from '../steps/settle.ts'
import { routeHeaders } from './answer-headers.ts'
import type { ClientStream } from './client-stream.ts'
import { answerFailed, type Exchange } from './exchange.ts'
import { dataEvent, DONE, errorEvent, receiptComment } from './stream-events.ts'
import { StreamReader } from './stream-reader.ts'

/**
 * Relays a stream: bytes go from the upstream to the client as they come, and a slow client slows the
 * upstream. Ends with the charge made durable, then usage if asked, receipt and `[DONE]`; or, if the
 * upstream broke off, with one error event.
 *
 * Nothing is sent before the first output, so until then (unless a comment had to be) a failure can still be a
 * true status: @throws UpstreamFailed.
 */
export const relayStream = (
  exchange: Exchange,
  out: ServerResponse,
  stream: ClientStream,
): Promise<void> => new StreamRelay(exchange, out, stream).run()

class StreamRelay {
  readonly #exchange: Exchange
  readonly #out: ServerResponse
  readonly #stream: ClientStream
  readonly #reader = new StreamReader()
  /** What came before the first output, kept back while the status is still open. */
  readonly #early: Buffer[] = []
  readonly #ended = Promise.withResolvers<void>()
  #firstOutputAt: Date | undefined
  #over = false

  constructor(exchange: Exchange, out: ServerResponse, stream: ClientStream) {
    this.#exchange = exchange
    this.#out = out
    this.#stream = stream
    stream.describe(routeHeaders(exchange.call))
  }

  run(): Promise<void> {
    const { answer } = this.#exchange.call
    this.#out.on('drain', answer.resume)
    this.#out.on('close', this.#left)
    answer.read({
      data: (chunk) => this.#forward(chunk),
      end: () => this.#finish(this.#isWhole() ? this.#complete : this.#broke('no finish reason')),
      error: (error) => this.#cut(error),
    })
    if (this.#out.destroyed) this.#left()
    return this.#ended.promise
  }

  /** Takes a chunk; false while the client is slower than the upstream. */
  #forward(chunk: Buffer): boolean {
    if (this.#over) {
      this.#exchange.call.answer.abort() // it talks on behind its [DONE]
      return true
    }
    const bytes = this.#reader.push(chunk)
    const { done, error, output } = this.#reader.facts
    if (error !== undefined) {
      this.#finish(this.#broke(error))
      this.#exchange.call.answer.abort()
      return true
    }
    const more = bytes.length === 0 || this.#pass(bytes, output)
    // Not every upstream closes behind its [DONE]; nothing more is to be waited for.
    if (done) this.#finish(this.#complete)
    return done || more
  }

  /** Sends bytes, or keeps them back while there has been no output; false while the client is slow. */
  #pass(bytes: Buffer, output: boolean): boolean {
    if (!output) {
      this.#early.push(bytes)
      return true
    }
    this.#firstOutputAt ??= this.#exchange.services.clock.now()
    return this.#stream.write(this.#withEarly(bytes))
  }

  #withEarly(bytes: Buffer): Buffer {
    return this.#early.length === 0 ? bytes : Buffer.concat([...this.#early.splice(0), bytes])
  }

  #isWhole(): boolean {
    return this.#reader.facts.done || this.#reader.facts.finishReason !== undefined
  }

  /** Everything came that the caller is waiting for: a cut after it is the provider's affair. */
  #hasAll(): boolean {
    return this.#isWhole() && this.#reader.facts.usage !== undefined
  }

  /** Stops reading, once; the ending decides how the relay's promise goes. Before any abort, which is an ending of its own. */
  #finish(ending: () => Promise<void>): void {
    if (this.#over) return
    this.#over = true
    this.#stream.rest()
    this.#out.off('drain', this.#exchange.call.answer.resume)
    this.#out.off('close', this.#left)
    ending().then(this.#ended.resolve, this.#ended.reject)
  }

  readonly #left = (): void => {
    this.#finish(async () => {
      await this.#settle(this.#reader.facts.output ? 'client_left' : 'client_left_before_output')
    })
    this.#exchange.call.answer.abort()
  }

  /** The upstream's connection broke; where the client has left, that is because we let it go. */
  #cut(error: Error): void {
    if (this.#out.destroyed) this.#left()
    else this.#finish(this.#hasAll() ? this.#complete : this.#broke(error))
  }

  readonly #complete = async (): Promise<void> => {
    const settled = await this.#settle('completed')
    const { services, hold, request } = this.#exchange
    const { usageChunk } = this.#reader
    const events = [
      Buffer.concat(this.#early.splice(0)).toString('utf8'),
      request.usageAsked && usageChunk ? dataEvent(usageChunk) : '',
      settled ? receiptComment(receiptOf(services.catalog, settled.request, hold.price)) : '',
      DONE,
    ]
    this.#stream.end(events.join(''))
  }

  #broke(cause: unknown): () => Promise<void> {
    return async () => {
      if (!this.#stream.begun) throw answerFailed(this.#exchange, cause)
      await this.#settle('upstream_broke')
      this.#stream.end(errorEvent(new ApiError('upstream_broke')))
    }
  }

  #settle(outcome: Outcome): Promise<Settled | undefined> {
    const { services, hold, call, request } = this.#exchange
    const { usage, answerBytes, finishReason } = this.#reader.facts
    return settle(services, {
      hold,
      by: call,
      attempts: call.attempts,
      outcome,
      status: outcome.startsWith('client_left') ? 499 : 200,
      reported: readUsage(usage),
      promptBytes: request.prompt.bytes,
      answerBytes,
      most: hold.most,
      finishReason,
      firstOutputAt: this.#firstOutputAt,
      ...(outcome === 'upstream_broke' && { errorCode: 'upstream_broke' }),
    })
  }
}
