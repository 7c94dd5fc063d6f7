import { randomUUID } from 'node:crypto'
import { recordRefusals, type Queryable, type RefusedRequest } from '@smartoken/prisma/ledger'
import type { Caller } from './steps/authenticate.ts'

/** Keys, codes and minutes that are kept apart until they are stored, and requests; what comes beyond is let go of. */
const MOST_KEPT = 10_000
/** Requests of a key that are kept whole, a minute. The database keeps as many over all processes. */
const MOST_WHOLE = 10
/** Of each that are stored at a time. */
const MOST_AT_ONCE = 1_000
const MINUTE_MS = 60_000

/** A request that was refused before it was admitted, by a caller whose key is known. */
export interface Refusal {
  readonly requestId: string
  readonly caller: Caller
  readonly code: string
  readonly status: number
  /** The model it asked for, where that was read. */
  readonly modelAsked: string | undefined
  readonly at: Date
}

interface Count {
  readonly apiKeyId: string
  readonly minute: Date
  readonly code: string
  count: number
  /** What of it is stored. */
  stored: number
}

/**
 * Refusals of this process, counted by key, code and minute in memory and stored from time to time. A flood of them costs
 * a flood of additions: at most so many are told apart, and ten a minute of a key are kept whole.
 */
export class Refusals {
  readonly #process = randomUUID()
  readonly #counts = new Map<string, Count>()
  /** How many of a key and minute were kept whole. */
  readonly #whole = new Map<string, number>()
  #requests: Refusal[] = []

  add(refusal: Refusal): void {
    const { apiKeyId } = refusal.caller
    const minute = new Date(Math.trunc(refusal.at.getTime() / MINUTE_MS) * MINUTE_MS)
    const place = `${apiKeyId} ${minute.getTime()}`
    const name = `${place} ${refusal.code}`
    const known = this.#counts.get(name)
    if (known) known.count += 1
    else if (this.#counts.size < MOST_KEPT)
      this.#counts.set(name, { apiKeyId, minute, code: refusal.code, count: 1, stored: 0 })
    else return
    const whole = this.#whole.get(place) ?? 0
    if (whole === MOST_WHOLE || this.#requests.length === MOST_KEPT) return
    this.#whole.set(place, whole + 1)
    this.#requests.push(refusal)
  }

  /**
   * Stores what is new, and lets go of the minutes before this one. What could not be stored is kept for the next time.
   * @throws what PostgreSQL says
   */
  async store(database: Queryable, now: Date): Promise<void> {
    const counts = [...this.#counts.values()]
      .filter(({ count, stored }) => count > stored)
      .slice(0, MOST_AT_ONCE)
      .map((count) => ({ of: count, count: count.count }))
    const requests = this.#requests.slice(0, MOST_AT_ONCE)
    if (counts.length > 0 || requests.length > 0) {
      await recordRefusals(
        database,
        this.#process,
        counts.map(({ of: { apiKeyId, minute, code }, count }) => ({
          apiKeyId,
          minute,
          code,
          count,
        })),
        requests.map(rowOf),
      )
    }
    for (const { of, count } of counts) of.stored = count
    this.#requests = this.#requests.slice(requests.length)
    this.#forgetBefore(now.getTime() - MINUTE_MS)
  }

  #forgetBefore(begun: number): void {
    for (const [name, { minute, count, stored }] of this.#counts)
      if (minute.getTime() <= begun && count === stored) this.#counts.delete(name)
    for (const place of this.#whole.keys())
      if (Number(place.slice(place.indexOf(' '))) <= begun) this.#whole.delete(place)
  }
}

const rowOf = ({ requestId, caller, modelAsked, code, status, at }: Refusal): RefusedRequest => ({
  id: requestId,
  ...caller,
  code,
  status,
  modelAsked: modelAsked !== undefined && LIKE_AN_ID.test(modelAsked) ? modelAsked : undefined,
  at,
})

/** Nothing else is stored of what a caller wrote: it may be a prompt, or what no column takes. */
const LIKE_AN_ID = /^[\w.:/@-]{1,128}$/
