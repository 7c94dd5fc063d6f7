import type { HoldAnswer, Verdict } from '@smartoken/prisma/ledger'
import type { NanoUsd } from '@smartoken/prisma/money'
import { LRUCache } from 'lru-cache'
import type { HoldAsked } from './entry.ts'

/** For so long a refusal stands without asking again: clients retry at once, in numbers. */
const REMEMBER_MS = 500
const MOST_REMEMBERED = 10_000

/** A stopped key, a frozen account and an empty request window refuse whatever is asked. */
const STANDING: ReadonlySet<Verdict> = new Set([
  'key_unknown',
  'key_revoked',
  'key_expired',
  'account_frozen',
  'requests_limited',
])
/** Want of money refuses what needs as much or more. */
const OF_MONEY: ReadonlySet<Verdict> = new Set(['balance_too_low', 'cap_reached'])

/** Refusals of the last half second, by key. An admission never is remembered, so no limit is exceeded by it. */
export class RememberedRefusals {
  readonly #byKey = new LRUCache<string, HoldAnswer>({ max: MOST_REMEMBERED, ttl: REMEMBER_MS })

  find({ apiKeyId, requestId, least }: HoldAsked): HoldAnswer | undefined {
    const refused = this.#byKey.get(apiKeyId)
    if (!refused) return undefined
    const refuses = STANDING.has(refused.verdict) || least > (refused.room satisfies NanoUsd)
    return refuses ? { ...refused, requestId } : undefined
  }

  remember({ apiKeyId }: HoldAsked, answer: HoldAnswer): void {
    if (!STANDING.has(answer.verdict) && !OF_MONEY.has(answer.verdict)) return
    const ttl = Math.max(1, Math.min(Number(answer.retryAfterMs ?? REMEMBER_MS), REMEMBER_MS))
    this.#byKey.set(apiKeyId, answer, { ttl })
  }
}
