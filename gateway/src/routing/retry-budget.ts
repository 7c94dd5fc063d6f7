import { SlidingCount, type Now } from './sliding-count.ts'

export interface RetryOptions {
  /** Further attempts a request, over the window. */
  readonly share: number
  /** So many are always allowed in a window: where there are few requests they harm nobody. */
  readonly least: number
  readonly windowMs: number
}

const RETRIES: RetryOptions = { share: 0.1, least: 10, windowMs: 60_000 }

/**
 * How many attempts beyond each request's first a model may have, whether at the same key, another or another route: so a
 * failing provider is not asked twice as often as before, and those that are well are not overrun by its share.
 */
export class RetryBudget {
  readonly #options: RetryOptions
  readonly #now: Now
  readonly #models = new Map<string, { requests: SlidingCount; retries: SlidingCount }>()

  constructor(options: Partial<RetryOptions> = {}, now: Now = () => performance.now()) {
    this.#options = { ...RETRIES, ...options }
    this.#now = now
  }

  /** Counts a request's first attempt. */
  began(modelId: string): void {
    this.#of(modelId).requests.add()
  }

  /** Takes one more attempt, if there is any left. */
  spend(modelId: string): boolean {
    const { share, least } = this.#options
    const { requests, retries } = this.#of(modelId)
    if (retries.total + 1 > Math.max(least, requests.total * share)) return false
    retries.add()
    return true
  }

  #of(modelId: string) {
    const known = this.#models.get(modelId)
    if (known) return known
    const { windowMs } = this.#options
    const counts = {
      requests: new SlidingCount(windowMs, this.#now),
      retries: new SlidingCount(windowMs, this.#now),
    }
    this.#models.set(modelId, counts)
    return counts
  }
}
