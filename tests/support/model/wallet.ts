/**
 * One account's money as the design says it should behave (holds, lots, charges, expiry, refunds, the day's excuses),
 * in memory, one call after the other. Knows nothing of the SQL. Amounts are nUSD, instants ms.
 */
const TEN_MINUTES_MS = 600_000
const DAY_MS = 86_400_000
const DOLLAR = 1_000_000_000n

export interface Lot {
  readonly ref: string
  readonly promo: boolean
  readonly withdrawable: boolean
  readonly expiresAt: number
  readonly createdAt: number
  remaining: bigint
}

interface Progress {
  readonly due: bigint
  readonly excusable: boolean
}

interface Hold {
  amount: bigint
  progress: Progress
}

interface Request extends Pick<Hold, 'amount'> {
  charge: bigint
  shortfall: bigint
  excused: bigint
  refunded: bigint
  provisional: boolean
  finishedAt: number
  /** What each lot gave and has not got back, in the order they were taken. */
  given: Map<Lot, bigint>
  readonly refunds: Map<string, bigint>
}

const least = (...amounts: bigint[]) => amounts.reduce((one, other) => (other < one ? other : one))
const most = (one: bigint, other: bigint) => (one > other ? one : other)
const sum = (amounts: Iterable<bigint>) => [...amounts].reduce((one, other) => one + other, 0n)

export class ModelWallet {
  readonly lots = new Map<string, Lot>()
  readonly holds = new Map<string, Hold>()
  readonly requests = new Map<string, Request>()
  readonly withdrawals = new Map<string, bigint>()
  now: number
  frozen = false
  revoked = false
  /** The process that is up, by number; undefined while there is none. */
  process: number | undefined = 1
  #processes = 1
  spent = 0n
  #day = { on: 0, spent: 0n, excused: 0n }

  /** Of the key, in all; undefined is none. */
  readonly cap: bigint | undefined

  constructor(now: number, cap: bigint | undefined) {
    this.now = now
    this.cap = cap
  }

  get posted() {
    return sum([...this.lots.values()].map(({ remaining }) => remaining))
  }
  get held() {
    return sum([...this.holds.values()].map(({ amount }) => amount))
  }
  /** Posted and not held: what new holds, expiry and withdrawals may take. */
  get free() {
    return this.posted - this.held
  }
  get capRoom() {
    return this.cap === undefined ? 1n << 62n : this.cap - this.spent - this.held
  }

  /** What may be charged beyond holds. */
  get #room() {
    return most(least(this.free, this.capRoom), 0n)
  }

  credit(lot: Omit<Lot, 'createdAt' | 'remaining'>, amount: bigint): boolean {
    if (this.lots.has(lot.ref)) return false
    this.lots.set(lot.ref, { ...lot, createdAt: this.now, remaining: amount })
    return true
  }

  hold(id: string, amount: bigint, atLeast: bigint, process: number | undefined) {
    const already = this.holds.get(id) ?? this.requests.get(id)
    if (already) return { verdict: 'admitted', amount: already.amount }
    const verdict = this.#refusal(atLeast, process)
    if (verdict) return { verdict, amount: 0n }
    const held = least(amount, this.free, this.capRoom)
    this.holds.set(id, { amount: held, progress: { due: 0n, excusable: false } })
    return { verdict: 'admitted', amount: held }
  }

  #refusal(atLeast: bigint, process: number | undefined) {
    if (this.revoked) return 'key_revoked'
    if (this.frozen) return 'account_frozen'
    if (process === undefined || process !== this.process) return 'lease_lost'
    if (this.capRoom < atLeast) return 'cap_reached'
    return this.free < atLeast ? 'balance_too_low' : undefined
  }

  renew(id: string, total: bigint, progress: Progress) {
    const hold = this.holds.get(id)
    if (!hold) return { outcome: 'no_hold', amount: null }
    const more = least(total - hold.amount, this.free, this.capRoom)
    if (!this.frozen && !this.revoked) hold.amount += most(more, 0n)
    if (progress.due >= hold.progress.due) hold.progress = progress
    return { outcome: hold.amount >= total ? 'renewed' : 'short', amount: hold.amount }
  }

  settle(id: string, due: bigint, excusable: boolean, provisional = false) {
    const outcome = this.#settle(id, due, excusable, provisional)
    const { charge = null, shortfall = null, excused = null } = this.requests.get(id) ?? {}
    return { outcome, charge, shortfall, excused }
  }

  #settle(id: string, due: bigint, excusable: boolean, provisional: boolean) {
    const hold = this.holds.get(id)
    if (hold) {
      this.#end(id, hold, due, excusable, provisional)
      return 'settled'
    }
    const request = this.requests.get(id)
    if (!request) return 'no_hold'
    if (!request.provisional || this.now - request.finishedAt >= TEN_MINUTES_MS) return 'replayed'
    this.#settleLate(request, due, excusable)
    return 'late'
  }

  #end(id: string, { amount }: Hold, due: bigint, excusable: boolean, provisional: boolean) {
    const excused = this.#excuse(due, excusable)
    const charge = least(due - excused, amount + this.#room)
    const shortfall = due - excused - charge
    const given = new Map<Lot, bigint>()
    const rest = { refunded: 0n, finishedAt: this.now, refunds: new Map<string, bigint>() }
    this.requests.set(id, { amount, charge, shortfall, excused, provisional, given, ...rest })
    this.holds.delete(id)
    this.#pay(given, charge)
  }

  /** Puts a provisional charge right: the rest is charged as far as it is free, too much is given back. */
  #settleLate(request: Request, due: bigint, excusable: boolean) {
    if (this.#today().on === Math.floor(request.finishedAt / DAY_MS))
      this.#day.excused -= request.excused
    const excused = this.#excuse(due, excusable)
    const more = least(due - excused - request.charge, this.#room)
    if (more > 0n) this.#pay(request.given, more)
    else this.#giveBack(request.given, -more)
    if (more < 0n) this.#count(more)
    request.charge += more
    Object.assign(request, {
      excused,
      shortfall: due - excused - request.charge,
      provisional: false,
    })
  }

  #excuse(due: bigint, excusable: boolean) {
    const day = this.#today()
    const excused = excusable
      ? least(due, most(most(DOLLAR, (day.spent * 3n) / 100n) - day.excused, 0n))
      : 0n
    day.excused += excused
    return excused
  }

  #today() {
    const on = Math.floor(this.now / DAY_MS)
    if (this.#day.on !== on) this.#day = { on, spent: 0n, excused: 0n }
    return this.#day
  }

  #count(charge: bigint) {
    this.spent += charge
    const day = this.#today()
    day.spent = most(day.spent + charge, 0n)
  }

  /** Promo money by expiry first, then paid; of the same kind the older. */
  #pay(given: Map<Lot, bigint>, charge: bigint) {
    let due = charge
    const order = [...this.lots.values()].toSorted(
      (one, other) =>
        Number(other.promo) - Number(one.promo) ||
        (one.expiresAt === other.expiresAt ? 0 : one.expiresAt - other.expiresAt) ||
        one.createdAt - other.createdAt,
    )
    for (const lot of order) {
      const part = least(due, lot.remaining)
      if (part === 0n) continue
      const before = given.get(lot) ?? 0n
      given.delete(lot)
      given.set(lot, before + part)
      lot.remaining -= part
      due -= part
    }
    this.#count(charge)
  }

  #giveBack(given: Map<Lot, bigint>, amount: bigint) {
    let rest = amount
    for (const [lot, gave] of [...given].toReversed()) {
      const part = least(rest, gave)
      lot.remaining += part
      given.set(lot, gave - part)
      rest -= part
    }
  }

  /** The process is gone: what it held is settled at its last progress. */
  die() {
    this.process = undefined
    for (const [id, { progress }] of [...this.holds].toSorted(([one], [other]) =>
      one < other ? -1 : 1,
    ))
      this.settle(id, progress.due, progress.excusable, true)
  }

  restart() {
    this.process = this.#processes += 1
  }

  refund(id: string, name: string, amount: bigint) {
    const request = this.requests.get(id)
    if (!request) return { outcome: 'no_request', refunded: 0n }
    const before = request.refunds.get(name)
    if (before !== undefined) return { outcome: 'replayed', refunded: before }
    if (request.provisional && this.now - request.finishedAt < TEN_MINUTES_MS)
      return { outcome: 'not_final', refunded: 0n }
    if (amount > request.charge - request.refunded)
      return { outcome: 'beyond_charge', refunded: 0n }
    request.refunds.set(name, amount)
    request.refunded += amount
    request.provisional = false
    this.#giveBack(request.given, amount)
    return { outcome: 'refunded', refunded: amount }
  }

  expire() {
    const expired = [...this.lots.values()]
      .filter(({ expiresAt }) => expiresAt <= this.now)
      .toSorted((one, other) => one.expiresAt - other.expiresAt || one.createdAt - other.createdAt)
    return expired.flatMap((lot) => {
      const amount = least(lot.remaining, this.free)
      lot.remaining -= amount
      return amount > 0n ? [{ ref: lot.ref, amount }] : []
    })
  }

  withdraw(ref: string, lotRef: string, amount: bigint) {
    const before = this.withdrawals.get(ref)
    if (before !== undefined) return { outcome: 'replayed', amount: before }
    const lot = this.lots.get(lotRef)
    if (!lot?.withdrawable) return { outcome: 'not_withdrawable', amount: 0n }
    if (this.frozen) return { outcome: 'account_frozen', amount: 0n }
    const room = least(lot.remaining, this.free)
    if (amount > room) return { outcome: 'too_much', amount: room }
    lot.remaining -= amount
    this.withdrawals.set(ref, amount)
    return { outcome: 'withdrawn', amount }
  }
}
