import { ApiError } from '../errors.ts'
import { LoadShed } from '../load/load-shed.ts'
import type { Services } from '../open-services.ts'
import type { Patience } from '../relay/patience.ts'
import type { Trial } from '../routing/circuit.ts'
import type { RequestRecord } from '../telemetry/request-record.ts'
import { UpstreamError } from '../upstreams/fault.ts'
import type { Upstream } from '../upstreams/upstreams.ts'
import { isOfUsedConnection } from '../upstreams/pool.ts'
import { callUpstream, type Asked, type UpstreamCall } from './call-upstream.ts'
import { loadProtection, type OpenRoute } from './choose-routes.ts'

/** No route has answered, or one said the request itself is wrong. Nothing was passed on or billed. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed'
  readonly shown: ApiError
  readonly attempts: number
  /** Undefined where none was asked. */
  readonly last: OpenRoute | undefined

  constructor(shown: ApiError, attempts: number, last: OpenRoute | undefined) {
    super(shown.message, { cause: shown })
    this.shown = shown
    this.attempts = attempts
    this.last = last
  }
}

/** Passes an answer on. @throws UpstreamError where it came to nothing before any output had been passed on */
export type Relay = (call: UpstreamCall) => Promise<void>

/** One admitted request, and the ways it can go. */
export interface Answering {
  readonly services: Services
  /** In the order in which they are to be tried. */
  readonly routes: readonly OpenRoute[]
  readonly asked: Asked
  readonly patience: Patience
  readonly relay: Relay
  /** Is told of each attempt. */
  readonly record: RequestRecord
}

/**
 * Asks one route after another until an answer has been passed on. What fails before its first output is as if it had not
 * been tried, be it a connection, a status, a stream's error or its break. But an error that is the caller's own (a bad
 * parameter) would be the same everywhere and ends the search; so does a client that has left, and so does a want of
 * further attempts, which are counted over all requests.
 *
 * @throws UpstreamFailed
 */
export const answerFrom = (answering: Answering): Promise<void> => new Search(answering).run()

class Search {
  readonly #answering: Answering
  #waiting: readonly OpenRoute[]
  #attempts = 0
  #last: OpenRoute | undefined
  /** What the client is told if no route answers. */
  #shown = new ApiError('upstream_unavailable', { headers: { 'retry-after': '5' } })

  constructor(answering: Answering) {
    this.#answering = answering
    this.#waiting = answering.routes
  }

  async run(): Promise<void> {
    for (let open = this.#next(); open; open = this.#next()) {
      const leave = await this.#slotAt(open)
      if (!leave) continue
      const trial = this.#trialOf(open)
      try {
        if (trial && (await this.#try(open, trial))) return
      } finally {
        trial?.dropped() // no news where it has been told how it went
        leave()
      }
    }
    throw new UpstreamFailed(this.#shown, this.#attempts, this.#last)
  }

  #next(): OpenRoute | undefined {
    const { left, lost } = this.#answering.patience
    const [next, ...others] = this.#waiting
    this.#waiting = others
    return left || lost ? undefined : next
  }

  /** A place among the requests its key may have at once. Returns how to leave it; undefined where there is none in time. */
  async #slotAt({ upstream }: OpenRoute): Promise<(() => void) | undefined> {
    const { asked, patience } = this.#answering
    try {
      return await upstream.slots.take(asked.caller.accountId, patience.signal)
    } catch (error) {
      if (error instanceof LoadShed) this.#shown = loadProtection(error.retryAfterMs)
      return undefined // or the client has left
    }
  }

  /** Whether an attempt is to be made: the route may have gone out meanwhile, and further attempts be used up. */
  #trialOf(open: OpenRoute): Trial | undefined {
    const { services, asked } = this.#answering
    const trial = services.health.of(open).enter()
    if (!trial) return undefined
    if (this.#attempts === 0) services.retries.began(asked.model.id)
    else if (!services.retries.spend(asked.model.id)) {
      trial.dropped()
      this.#waiting = []
      return undefined
    }
    this.#attempts += 1
    return trial
  }

  /** Whether it has answered. */
  async #try(open: OpenRoute, trial: Trial): Promise<boolean> {
    const { asked, patience, relay, record } = this.#answering
    const first = this.#last !== open
    this.#last = open
    let reached = false
    record.at('upstream', open.route.id)
    try {
      const call = await callUpstream(open, asked, patience)
      reached = true
      await relay({ ...open, ...call, attempts: this.#attempts, trial })
      return true
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      this.#shown = withoutKey(error.shown, open.upstream)
      const again = first && !reached && isOfUsedConnection(error.cause)
      if (again) this.#waiting = [open, ...this.#waiting]
      else if (!patience.left && !patience.lost) this.#learn(error, open, trial)
      record.at('route')
      return false
    }
  }

  /** What a failure says of where it came from, and of where to go now. */
  #learn(error: UpstreamError, open: OpenRoute, trial: Trial): void {
    const { fault, retryAfterMs } = error
    const { upstream } = open
    this.#answering.services.telemetry.upstreamFault(upstream.id, fault, error.cause)
    if (fault === 'request') {
      trial.answered()
      this.#waiting = []
    } else if (fault === 'rate') {
      trial.limited(retryAfterMs)
      upstream.slots.shrink()
    } else if (fault === 'ours') trial.refused()
    else {
      trial.failed()
      this.#waiting = othersFirst(upstream.provider, this.#waiting)
    }
  }
}

/** The error as it may be shown: one that repeats our key says nothing of what its provider said. */
const withoutKey = (shown: ApiError, { authorization, sandbox }: Upstream): ApiError =>
  !sandbox && JSON.stringify(shown).includes(authorization.slice('Bearer '.length))
    ? new ApiError(shown.code, { cause: shown.cause, headers: shown.headers })
    : shown

/** Where a provider is busy or away, its other keys will hardly do better: other providers are asked before them. */
function othersFirst(provider: string, routes: readonly OpenRoute[]): readonly OpenRoute[] {
  const own = ({ upstream }: OpenRoute) => Number(upstream.provider === provider)
  return routes.toSorted((one, other) => own(one) - own(other))
}
