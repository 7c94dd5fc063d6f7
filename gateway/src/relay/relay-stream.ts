import type { ServerResponse } from 'node:http'
import { settlementOf } from '../steps/settle.ts'
import { answerHeaders, routeHeaders } from './answer-headers.ts'
import { Brake } from './brake.ts'
import type { ClientStream } from './client-stream.ts'
import { Delivery } from './delivery.ts'
import { departureFrom, type Departure } from './departure.ts'
import type { Exchange } from './exchange.ts'
import { SliceHold } from './slice-hold.ts'
import {
  billingAway,
  brokeOff,
  complete,
  cutForMoney,
  shutDown,
  unheard,
  type StreamEnding,
} from './stream-endings.ts'
import { StreamReader } from './stream-reader.ts'
import { endingOf, type StreamSoFar } from './stream-so-far.ts'

/**
 * Relays a stream: bytes go from the upstream to the client as they come; a slow client or a hold that is used up slows
 * the upstream. Ends with the charge made durable, then usage if asked, receipt and `[DONE]`; or, if the upstream broke
 * off, with one error event. A client that leaves is charged by what its provider bills then.
 *
 * Nothing is sent before the first output, so until then (unless a comment had to be) a failure can still be a
 * true status, or another route's answer come in its place: @throws UpstreamError.
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
  readonly #reader: StreamReader
  readonly #brake: Brake
  readonly #money: SliceHold
  readonly #delivery: Delivery
  readonly #ended = Promise.withResolvers<void>()
  /** Set when the client has left and the answer is read on without it. */
  #departure: Departure | undefined
  #deafen: (() => void) | undefined
  #serves = false
  #over = false

  constructor(exchange: Exchange, out: ServerResponse, stream: ClientStream) {
    const { services, hold, call } = exchange
    this.#exchange = exchange
    this.#out = out
    this.#stream = stream
    this.#reader = new StreamReader({ provider: call.route.provider, model: hold.facts.modelId })
    this.#delivery = new Delivery(stream, services.clock, () =>
      services.telemetry.of(hold.requestId)?.at('relay'),
    )
    this.#brake = new Brake(call.answer.resume)
    this.#money = new SliceHold({
      hold,
      renew: (renewal) => services.ledger.renew(renewal),
      edge: services.edge,
      progress: () => settlementOf(services, endingOf(this.#soFar(), 'gateway_lost')),
      goOn: () => this.#brake.release('money'),
      stop: (why) => this.#abandon(why === 'short' ? cutForMoney : billingAway),
    })
  }

  run(): Promise<void> {
    const { call, services } = this.#exchange
    this.#out.on('drain', this.#drained)
    this.#out.on('close', this.#left)
    // Before anything is read: an answer that has ended already is over within the reading.
    this.#deafen = services.stopping.hear(() => this.#abandon(shutDown))
    call.answer.read({
      data: (chunk) => this.#take(chunk),
      end: () => this.#finish(this.#isWhole() ? this.#whole() : this.#broken('no finish reason')),
      // Everything the caller waits for may have come: then a cut is the provider's affair.
      error: (error) => this.#finish(this.#hasAll() ? this.#whole() : this.#broken(error)),
    })
    if (this.#out.destroyed && !this.#over) this.#left()
    return this.#ended.promise
  }

  /** Takes a chunk; false while no more is to be read. */
  #take(chunk: Buffer): boolean {
    if (this.#over) {
      this.#exchange.call.answer.abort() // it talks on behind its [DONE]
      return true
    }
    const bytes = this.#reader.push(chunk)
    const { done, answerBytes, finishReason, output } = this.#reader.facts
    const fault = this.#fault()
    if (fault !== undefined) {
      this.#abandon(this.#broken(fault))
      return true
    }
    if (output) this.#serve()
    if (!this.#departure && !this.#delivery.pass(bytes, output)) this.#brake.hold('client')
    if (finishReason) this.#readOn()
    if (!this.#money.used(answerBytes)) this.#brake.hold('money')
    // Not every upstream closes behind its [DONE]; nothing more is to be waited for.
    if (done || (this.#departure && this.#hasAll())) this.#finish(this.#whole())
    return this.#over || this.#brake.off
  }

  /** What is wrong with what has come, if anything is. */
  #fault(): unknown {
    return this.#reader.facts.error ?? (this.#delivery.isOverfull ? 'no output' : undefined)
  }

  /** This call is the one that answers. Only now is it said to be, since until its first output another may take its place. */
  #serve(): void {
    if (this.#serves) return
    this.#serves = true
    const { hold, limitAsked, call } = this.#exchange
    call.trial.answered()
    this.#stream.describe({
      ...answerHeaders(hold, limitAsked, call.adjusted),
      ...routeHeaders(call),
    })
  }

  #isWhole(): boolean {
    return this.#reader.facts.done || this.#reader.facts.finishReason !== undefined
  }

  #hasAll(): boolean {
    return this.#isWhole() && this.#reader.facts.usage !== undefined
  }

  #whole(): StreamEnding {
    this.#serve()
    return this.#departure ? unheard(this.#departure.outcome) : complete
  }

  #broken(cause: unknown): StreamEnding {
    return this.#departure ? unheard(this.#departure.cut) : brokeOff(cause)
  }

  readonly #drained = (): void => this.#brake.release('client')

  /** The client has left. What it owes depends on how far the answer is and on what its provider bills. */
  readonly #left = (): void => {
    const { services, call } = this.#exchange
    const departure = departureFrom(this.#reader.facts, call.upstream, services.drains, () =>
      this.#abandon(unheard(departure.cut)),
    )
    this.#stream.rest()
    this.#departure = departure
    if (!departure.goesOn || this.#hasAll()) {
      this.#abandon(unheard(departure.goesOn ? departure.outcome : departure.cut))
      return
    }
    this.#readOn()
    this.#brake.release('client')
  }

  /** Reads on whatever it costs: it is all there but for its usage, or will be billed whole. */
  #readOn(): void {
    this.#money.unbind()
    this.#brake.release('money')
  }

  /** Ends it and lets go of the upstream. */
  #abandon(ending: StreamEnding): void {
    this.#finish(ending)
    this.#exchange.call.answer.abort()
  }

  /** Stops reading, once; the ending decides how the relay's promise goes. Before any abort, which is an ending of its own. */
  #finish(ending: StreamEnding): void {
    if (this.#over) return
    this.#over = true
    const soFar = this.#soFar()
    this.#money.end()
    this.#departure?.end()
    this.#deafen?.()
    this.#out.off('drain', this.#drained)
    this.#out.off('close', this.#left)
    // An ending throws at once where nothing was sent: that is the caller's to tell.
    Promise.resolve(soFar).then(ending).then(this.#ended.resolve, this.#ended.reject)
  }

  #soFar(): StreamSoFar {
    const { hold } = this.#exchange
    return {
      exchange: this.#exchange,
      stream: this.#stream,
      reader: this.#reader,
      hold: { ...hold, amount: this.#money.amount },
      early: this.#delivery.early,
      deliveredBytes: this.#departure?.deliveredBytes ?? this.#reader.facts.answerBytes,
      firstOutputAt: this.#delivery.firstOutputAt,
    }
  }
}
