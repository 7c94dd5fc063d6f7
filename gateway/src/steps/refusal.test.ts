import { loadCatalog } from '@smartoken/prisma/catalog'
import type { HoldAnswer, Verdict } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import { describe, expect, test } from 'vitest'
import { refusal } from './refusal.ts'

const catalog = loadCatalog()
const dear = catalog.models.find(({ id }) => id === 'kimi-k3')!

const answer = (verdict: Verdict, over: Partial<HoldAnswer> = {}): HoldAnswer => ({
  requestId: 'req_1',
  verdict,
  amount: usd('0'),
  room: usd('0.01'),
  retryAfterMs: null,
  clock: new Date('2026-11-23T02:00:00Z'),
  limits: null,
  firstRequestId: null,
  ...over,
})

const refused = (verdict: Verdict, over: Partial<HoldAnswer> = {}) =>
  refusal(answer(verdict, over), 77, dear, catalog)

test.each<[Verdict, number, string]>([
  ['key_unknown', 401, 'invalid_api_key'],
  ['key_revoked', 401, 'invalid_api_key'],
  ['key_expired', 401, 'invalid_api_key'],
  ['balance_too_low', 402, 'insufficient_balance'],
  ['cap_reached', 402, 'spend_cap_reached'],
  ['account_frozen', 403, 'account_frozen'],
  ['lease_lost', 503, 'billing_unavailable'],
  ['model_not_allowed', 403, 'model_not_allowed'],
  ['requests_limited', 429, 'rate_limit_exceeded'],
  ['tokens_limited', 429, 'rate_limit_exceeded'],
  ['concurrency_limited', 429, 'rate_limit_exceeded'],
  ['busy', 429, 'load_protection'],
  ['idempotency_key_used', 409, 'idempotency_key_used'],
])('%s is %i %s', (verdict, status, code) => {
  expect(refused(verdict)).toMatchObject({ status, code })
})

describe('for want of money', () => {
  test('it says what the balance still pays and that a retry is of no use', () => {
    const error = refused('balance_too_low')
    expect(error.headers).toEqual({ 'x-should-retry': 'false' })
    expect(error.toJSON()).toMatchObject({ error: { affordable_tokens: 77 } })
  })

  test('it names three models with cheaper output, the cheapest first', () => {
    const { error } = refused('balance_too_low').toJSON() as {
      error: { cheaper_models: string[] }
    }
    const rates = error.cheaper_models.map(
      (id) =>
        catalog.models.find((model) => model.id === id)!.prices.at(-1)!.tiers[0]!.rates.output,
    )
    expect(rates).toHaveLength(3)
    expect(rates).toEqual(rates.toSorted((one, other) => Number(one - other)))
    expect(error.cheaper_models).not.toContain(dear.id)
  })
})

test.each([
  [null, '1'],
  [1n, '1'],
  [1_000n, '1'],
  [1_001n, '2'],
  [60_000n, '60'],
])('a wait of %s ms is told as %s whole seconds', (retryAfterMs, seconds) => {
  expect(refused('requests_limited', { retryAfterMs }).headers['retry-after']).toBe(seconds)
})
