import { Capacity } from './capacity.ts'
import { LoadShed } from './load-shed.ts'
import { ServiceTime } from './service-time.ts'

export interface SlotsOptions {
  /** Requests that may be open at once. */
  readonly most: number
  /** How long one may wait for a slot, ms. */
  readonly queueMs?: number
}

const QUEUE_MS = 2_000
/**
 * Part of the queue's time that a wait may be predicted to take. Who comes later and has fewer slots goes first, but no more
 * of those than fill as much again: so whoever is let in is served in time, unless the upstream turns slow.
 */
const PREDICTED_PART = 0.4
/** Part of the slots one account may have: the rest is there for whoever else comes while long answers run. */
const ONE_ACCOUNTS_PART = 0.875
/** What is told to wait, ms: whole seconds on the wire, and SDKs give up on long ones. */
const RETRY_MS = { least: 1_000, most: 30_000 }

/**
 * The requests one upstream key takes at once, shared among accounts by max-min fairness: a slot that comes free goes to
 * whoever has fewest. What would not have one in time is refused at once; so an account that floods queues up behind itself.
 */
export class Slots {
  readonly #queueMs: number
  readonly #capacity: Capacity
  readonly #serviceTime = new ServiceTime()
  /** Accounts that have slots or wait; among equals, who was served longest ago comes first. */
  readonly #shares = new Map<string, Share>()
  #inUse = 0

  constructor({ most, queueMs = QUEUE_MS }: SlotsOptions) {
    this.#capacity = new Capacity(most)
    this.#queueMs = queueMs
  }

  /** Requests open now. */
  get inUse(): number {
    return this.#inUse
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return [...this.#shares.values()].reduce((sum, { waiting }) => sum + waiting.length, 0)
  }

  /** Accounts that have slots or wait for one. */
  get accounts(): number {
    return this.#shares.size
  }

  /**
   * A slot for a request of this account, now or within the queue's time. Returns how to give it back; twice is once.
   *
   * @throws LoadShed when there would be none in time; the signal's reason when it is aborted meanwhile.
   */
  async take(accountId: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const refused = this.shed(accountId)
    if (refused !== undefined) throw new LoadShed(refused)
    const waiter: Waiter = { share: this.#shareOf(accountId), slot: Promise.withResolvers() }
    waiter.share.waiting.push(waiter)
    this.#handOut()
    if (waiter.share.waiting.includes(waiter)) await this.#inTime(waiter, signal)
    return waiter.slot.promise
  }

  /** How long to tell a request of this account to wait, ms, if it would be refused now. */
  shed(accountId: string): number | undefined {
    const share = this.#shares.get(accountId) ?? { accountId, inUse: 0, waiting: [] }
    const wait = this.#waitOf(share, share.waiting.length + 1)
    return wait > this.#queueMs * PREDICTED_PART ? retryIn(wait) : undefined
  }

  /** The upstream refused a request for being one too many (429): there are fewer slots for some time. */
  shrink(): void {
    this.#capacity.shrink(this.#inUse)
  }

  /** Gives what is free to who waits, the account that has fewest first. */
  #handOut(): void {
    const capacity = this.#capacity.now
    while (this.#inUse < capacity) {
      const share = this.#neediest(mostOfOne(capacity))
      if (!share) return
      const { slot } = share.waiting.shift()!
      this.#shares.delete(share.accountId)
      this.#shares.set(share.accountId, share)
      slot.resolve(this.#open(share))
    }
  }

  #neediest(most: number): Share | undefined {
    let found: Share | undefined
    for (const share of this.#shares.values()) {
      const fits = share.waiting.length > 0 && share.inUse < most
      if (fits && share.inUse < (found?.inUse ?? Infinity)) found = share
    }
    return found
  }

  #open(share: Share): () => void {
    if (this.#inUse === 0) this.#serviceTime.beginsAnew()
    const since = performance.now()
    let open = true
    share.inUse += 1
    this.#inUse += 1
    return () => {
      if (!open) return
      open = false
      share.inUse -= 1
      this.#inUse -= 1
      this.#serviceTime.ended(performance.now() - since)
      this.#forgetIdle(share)
      this.#handOut()
    }
  }

  /** How long the account's k-th in the queue will wait, ms, if requests take as long as they lately took. */
  #waitOf(share: Share, k: number): number {
    const capacity = this.#capacity.now
    const ofOne = mostOfOne(capacity)
    const expected = this.#serviceTime.expected
    const ahead = this.#inUse + k + this.#servedBefore(share, k) - capacity
    const aheadOfOwn = share.inUse + k - ofOne
    return Math.max((ahead * expected) / capacity, (aheadOfOwn * expected) / ofOne, 0)
  }

  /** How many of others will have a slot before the account's k-th in the queue: those that leave theirs no richer. */
  #servedBefore(share: Share, k: number): number {
    let before = 0
    for (const other of this.#shares.values()) {
      const room = share.inUse + k - other.inUse
      if (other !== share) before += Math.min(Math.max(room, 0), other.waiting.length)
    }
    return before
  }

  /** Waits, but not longer than the queue's time or than anybody cares. */
  async #inTime(waiter: Waiter, signal: AbortSignal): Promise<void> {
    const { share, slot } = waiter
    const late = setTimeout(() => give(new LoadShed(retryIn(this.#queueMs))), this.#queueMs)
    const leave = () => give(signal.reason)
    const give = (up: unknown): void => {
      share.waiting = share.waiting.filter((one) => one !== waiter)
      slot.reject(up)
    }
    signal.addEventListener('abort', leave)
    try {
      await slot.promise
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', leave)
      this.#forgetIdle(share)
    }
  }

  #shareOf(accountId: string): Share {
    const found = this.#shares.get(accountId)
    if (found) return found
    const share = { accountId, inUse: 0, waiting: [] }
    this.#shares.set(accountId, share)
    return share
  }

  #forgetIdle({ accountId, inUse, waiting }: Share): void {
    if (inUse === 0 && waiting.length === 0) this.#shares.delete(accountId)
  }
}

/** What one account has of the slots. */
interface Share {
  readonly accountId: string
  inUse: number
  waiting: Waiter[]
}

interface Waiter {
  readonly share: Share
  readonly slot: PromiseWithResolvers<() => void>
}

const mostOfOne = (capacity: number): number => Math.ceil(capacity * ONE_ACCOUNTS_PART)

const retryIn = (ms: number): number =>
  Math.min(Math.max(Math.ceil(ms), RETRY_MS.least), RETRY_MS.most)
