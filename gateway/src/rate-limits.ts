import type { LimitsTold, LimitTold } from '@smartoken/prisma/ledger'
import { LRUCache } from 'lru-cache'

const REMEMBERED_KEYS = 50_000
/** What any limit is by. */
const PERIOD_MS = 60_000

/**
 * What each key's limits were when the ledger last spoke of them, so that an answer that never came to a hold can tell them
 * too. Other processes may have used more meanwhile: the ledger decides, this only tells.
 */
export class RateLimits {
  readonly #seen = new LRUCache<string, { readonly limits: LimitsTold; readonly at: number }>({
    max: REMEMBERED_KEYS,
  })

  /** Takes what the ledger said of a key at an instant of its clock; null where nothing is limited. */
  saw(apiKeyId: string, limits: LimitsTold | null, at: Date): void {
    if (limits) this.#seen.set(apiKeyId, { limits, at: at.getTime() })
    else this.#seen.delete(apiKeyId)
  }

  /** The headers of an answer to this key at an instant of the ledger's clock. */
  headersFor(apiKeyId: string, now: Date): Record<string, string> {
    const seen = this.#seen.get(apiKeyId)
    if (!seen) return {}
    const elapsedMs = Math.max(now.getTime() - seen.at, 0)
    const { requests, tokens } = seen.limits
    return rateLimitHeaders({
      requests: requests && refilled(requests, elapsedMs),
      tokens: tokens && refilled(tokens, elapsedMs),
    })
  }
}

/** `x-ratelimit-*` by OpenAI's names and in its form; nothing of what is not limited. */
export const rateLimitHeaders = (limits: LimitsTold | null): Record<string, string> => ({
  ...headersOf('requests', limits?.requests),
  ...headersOf('tokens', limits?.tokens),
})

function headersOf(of: string, told: LimitTold | null | undefined): Record<string, string> {
  if (!told) return {}
  return {
    [`x-ratelimit-limit-${of}`]: String(told.limit),
    [`x-ratelimit-remaining-${of}`]: String(told.remaining),
    [`x-ratelimit-reset-${of}`]: formatWait(told.resetMs),
  }
}

/** A limit some time later, if nothing used it meanwhile: it fills evenly. */
function refilled({ limit, remaining, resetMs }: LimitTold, elapsedMs: number): LimitTold {
  const rest = Math.max(resetMs - elapsedMs, 0)
  const filled = Math.floor((limit * Math.max(PERIOD_MS - rest, 0)) / PERIOD_MS)
  return { limit, remaining: Math.max(remaining, filled), resetMs: rest }
}

/** A wait as OpenAI writes it: `0s`, `17ms`, `1s`, `6m0s`. */
export function formatWait(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms) / 1_000
  const minutes = Math.floor(seconds / 60)
  const rest = `${Number((seconds - minutes * 60).toFixed(3))}s`
  return minutes === 0 ? rest : `${minutes}m${rest}`
}
