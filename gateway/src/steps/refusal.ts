import { pricesLiveAt, type Catalog, type Model } from '@smartoken/prisma/catalog'
import type { HoldAnswer, Verdict } from '@smartoken/prisma/ledger'
import { ApiError, type ErrorCode } from '../errors.ts'

const codes: Readonly<Record<Exclude<Verdict, 'admitted'>, ErrorCode>> = {
  account_frozen: 'account_frozen',
  balance_too_low: 'insufficient_balance',
  busy: 'load_protection',
  cap_reached: 'spend_cap_reached',
  concurrency_limited: 'rate_limit_exceeded',
  idempotency_key_used: 'idempotency_key_used',
  key_expired: 'invalid_api_key',
  key_revoked: 'invalid_api_key',
  key_unknown: 'invalid_api_key',
  lease_lost: 'billing_unavailable',
  model_not_allowed: 'model_not_allowed',
  price_changed: 'billing_unavailable',
  requests_limited: 'rate_limit_exceeded',
  tokens_limited: 'rate_limit_exceeded',
}

/**
 * A refused hold in the client's terms. For want of money it says how many output tokens the balance
 * still pays and which models are cheaper, and tells SDKs not to retry.
 */
export function refusal(
  answer: HoldAnswer,
  affordableTokens: number,
  model: Model,
  catalog: Catalog,
): ApiError {
  const code = codes[answer.verdict as Exclude<Verdict, 'admitted'>]
  if (code === 'insufficient_balance' || code === 'spend_cap_reached') {
    return new ApiError(code, {
      headers: { 'x-should-retry': 'false' },
      extra: {
        affordable_tokens: affordableTokens,
        cheaper_models: cheaperThan(model, catalog, answer.clock),
      },
    })
  }
  if (code === 'rate_limit_exceeded' || code === 'load_protection') {
    const seconds = (Number(answer.retryAfterMs ?? 1_000n) + 999) / 1_000
    return new ApiError(code, { headers: { 'retry-after': String(Math.trunc(seconds)) } })
  }
  if (code === 'idempotency_key_used') return used(answer.firstRequestId!)
  return new ApiError(code)
}

/** SDKs try again on 409, which is of no use here. */
const used = (firstRequestId: string): ApiError =>
  new ApiError('idempotency_key_used', {
    headers: { 'x-should-retry': 'false', 'x-smartoken-first-request': firstRequestId },
    extra: { first_request_id: firstRequestId },
  })

/** At most three models with cheaper output now, cheapest first. */
function cheaperThan(model: Model, catalog: Catalog, at: Date): string[] {
  const outputRate = (one: Model) => pricesLiveAt(one, at)[0]?.tiers[0]?.rates.output
  const own = outputRate(model)
  return catalog.models
    .flatMap((other) => {
      const rate = other.sold ? outputRate(other) : undefined
      return rate !== undefined && own !== undefined && rate < own ? [{ id: other.id, rate }] : []
    })
    .toSorted((one, other) => (one.rate < other.rate ? -1 : 1))
    .slice(0, 3)
    .map(({ id }) => id)
}
