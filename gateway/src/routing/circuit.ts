import { SlidingCount, type Now } from './sliding-count.ts'

export interface HealthOptions {
  /** Over how long failures are held against answers, ms. */
  readonly windowMs: number
  /** Fewer failures than that in a window say nothing. */
  readonly leastFailures: number
  /** Share of failures from which on others are preferred, and from which on it is not used even if there are no others. */
  readonly failingShare: number
  readonly deadShare: number
  /** How long until it is probed, ms; the next longer one after each probe that fails. The last one bounds recovery. */
  readonly restMs: readonly number[]
  /** How long a probe keeps others from being one, ms, if nothing is heard of it. */
  readonly probeMs: number
  /** Rest after a 429 that names no time, ms; doubled with each that follows, up to the most. */
  readonly rateMs: number
  readonly mostRateMs: number
  /** Longest time a provider may name, ms. */
  readonly mostBenchMs: number
  /** Rest where our key or account is refused, ms: until somebody has seen to it. */
  readonly oursMs: number
}

/** A place is back in rotation within 45 s of being well again, unless it had named a longer time itself. */
export const HEALTH: HealthOptions = {
  windowMs: 30_000,
  leastFailures: 5,
  failingShare: 0.5,
  deadShare: 0.9,
  restMs: [5_000, 10_000, 20_000, 40_000],
  probeMs: 10_000,
  rateMs: 1_000,
  mostRateMs: 32_000,
  mostBenchMs: 600_000,
  oursMs: 45_000,
}

/**
 * What can be expected of a place: that it answers; that it may again, which one request is to find out (`due`); that it
 * fails often, but not always; or nothing, for now.
 */
export type Standing = 'well' | 'due' | 'failing' | 'out'

/** One attempt at a place, and what is learnt of the place by it: told once, but that an answer may yet break off. */
export interface Trial {
  /** It has answered: with output, or with what is wrong about the request. */
  readonly answered: () => unknown
  /** It gave no answer, or broke one off. */
  readonly failed: () => unknown
  /** It answered 429, and named a time, ms, or none. */
  readonly limited: (retryAfterMs?: number) => unknown
  /** It refused our key or account. */
  readonly refused: () => unknown
  /** Nothing has been learnt: the client has left, or the request never went out. */
  readonly dropped: () => unknown
}

/**
 * The health of one place, that is one key at one route: closed while it answers, open when too many of its answers in a
 * window were failures, then probed by one request at a time.
 */
export class Circuit {
  readonly #options: HealthOptions
  readonly #now: Now
  #answers: SlidingCount
  #failures: SlidingCount
  /** Why it is open, if it is. */
  #open: 'failing' | 'dead' | 'ours' | undefined
  /** When an open one may be probed. */
  #probeAt = 0
  /** Probes that have failed since it was closed. */
  #failedProbes = 0
  /** A 429's rest. */
  #limitedUntil = 0
  #limits = 0

  constructor(options: HealthOptions, now: Now) {
    this.#options = options
    this.#now = now
    this.#answers = new SlidingCount(options.windowMs, now)
    this.#failures = new SlidingCount(options.windowMs, now)
  }

  get standing(): Standing {
    const now = this.#now()
    if (now < this.#limitedUntil) return 'out'
    if (!this.#open) return 'well'
    if (now >= this.#probeAt) return 'due'
    return this.#open === 'failing' ? 'failing' : 'out'
  }

  /** Why it is out. */
  get reason(): 'limited' | 'unwell' {
    return this.#open ? 'unwell' : 'limited'
  }

  /** How long it is out for, ms. */
  get outForMs(): number {
    return Math.max(this.#limitedUntil, this.#open ? this.#probeAt : 0) - this.#now()
  }

  /** Begins an attempt; undefined where none is to be made. Each that is begun is to be told how it went. */
  enter(): Trial | undefined {
    const { standing } = this
    if (standing === 'out') return undefined
    const probe = standing === 'due'
    if (probe) this.#probeAt = this.#now() + this.#options.probeMs
    let told = false
    const first = (): boolean => !told && (told = true)
    return {
      answered: () => first() && this.#answered(probe),
      failed: () => this.#failed(first() && probe),
      limited: (retryAfterMs) => first() && this.#limited(probe, retryAfterMs),
      refused: () => first() && this.#refused(probe),
      dropped: () => first() && this.#dropped(probe),
    }
  }

  #answered(probe: boolean): void {
    this.#limits = 0
    if (probe && this.#open) this.#close()
    this.#answers.add()
  }

  #failed(probe: boolean): void {
    this.#failures.add()
    if (this.#open === 'ours' && !probe) return
    const { leastFailures, failingShare, deadShare, restMs } = this.#options
    const failures = this.#failures.total
    const share = failures / (failures + this.#answers.total)
    if (!this.#open && (failures < leastFailures || share < failingShare)) return
    if (!this.#open || probe) {
      this.#probeAt = this.#now() + restMs[Math.min(this.#failedProbes, restMs.length - 1)]!
      this.#failedProbes += 1
    }
    this.#open = share < deadShare ? 'failing' : 'dead'
  }

  #limited(probe: boolean, retryAfterMs: number | undefined): void {
    const { rateMs, mostRateMs, mostBenchMs } = this.#options
    const now = this.#now()
    // Requests that went out together are limited together: that is one limit.
    const first = now >= this.#limitedUntil
    const own = first ? Math.min(rateMs * 2 ** this.#limits, mostRateMs) : 0
    if (first) this.#limits += 1
    const rest = retryAfterMs === undefined ? own : Math.min(retryAfterMs, mostBenchMs)
    this.#limitedUntil = Math.max(this.#limitedUntil, now + rest)
    this.#dropped(probe)
  }

  #refused(probe: boolean): void {
    if (this.#open === 'ours' && !probe) return
    this.#open = 'ours'
    this.#probeAt = this.#now() + this.#options.oursMs
  }

  /** The next request may be the probe in its place. */
  #dropped(probe: boolean): void {
    if (probe && this.#open) this.#probeAt = this.#now()
  }

  #close(): void {
    this.#open = undefined
    this.#failedProbes = 0
    this.#answers = new SlidingCount(this.#options.windowMs, this.#now)
    this.#failures = new SlidingCount(this.#options.windowMs, this.#now)
  }
}
