import { charge, loadCatalog, type Usage } from '@smartoken/prisma/catalog'
import { formatUsd } from '@smartoken/prisma/money'
import { describe, expect, test } from 'vitest'
import { someRequest } from './api-server.fixture.ts'
import { explainCharge, tokenClasses, type Charged } from './explain-charge.ts'
import type { RequestRow } from './operations.ts'
import type { TokenCounts } from './operations.ts'
import { publishedPrices } from './published-prices.ts'

const catalog = loadCatalog()
// As the page has them: by way of JSON.
const prices = JSON.parse(JSON.stringify(publishedPrices(catalog)))
const rows = catalog.models.flatMap(({ prices: own }) => own)

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
const usages: readonly Usage[] = [
  nothing,
  { ...nothing, input: 1 },
  { input: 1_234, cachedInput: 56_789, cacheWrite: 321, output: 987, thinkingOutput: 6_543 },
  ...rows.flatMap(({ tiers }) =>
    tiers.flatMap(({ upTo = 1_000_000 }) => [
      { ...nothing, input: upTo - 1, cachedInput: 1, output: 7 },
      { ...nothing, input: upTo, cacheWrite: 1, thinkingOutput: 7 },
    ]),
  ),
]

describe('the console works out the same charge as the gateway', () => {
  test.each(rows.map((row) => [row.id, row] as const))('%s', (id, row) => {
    for (const usage of usages) {
      const due = formatUsd(charge(usage, row))
      const request = someRequest(1, { ...countsOf(usage), priceId: id, charge: due })
      expect(explainCharge(request, prices)).toMatchObject({ due, charged: 'the same' })
    }
  })
})

const example = {
  'a-model/2026-01-01': [
    {
      upTo: 1_000,
      rates: {
        input: '280000',
        cachedInput: '28000',
        cacheWrite: '280000',
        output: '420000',
        thinkingOutput: '420001',
      },
    },
  ],
}

test.each<[string, Partial<RequestRow>, Charged]>([
  ['0.000427001', {}, 'the same'],
  ['0.000427002', {}, 'more'],
  ['0.000427', { shortfall: '0.000000001' }, 'uncovered'],
  ['0.000427', { shortfall: '0.000000002' }, 'more'],
  ['0.00', { excused: '0.000427001', outcome: 'upstream_broke' }, 'excused'],
  ['0.0004', { outcome: 'money_limit' }, 'limited'],
])('a charge of %s with %j is %s', (charged, parts, verdict) => {
  const request = someRequest(1, {
    ...countsOf({ ...nothing, cachedInput: 250, thinkingOutput: 1_000 }),
    priceId: 'a-model/2026-01-01',
    charge: charged,
    ...parts,
  })
  expect(explainCharge(request, example)).toEqual({
    classes: [
      { name: 'cached input', tokens: 250, rate: '0.028' },
      { name: 'output with thinking', tokens: 1_000, rate: '0.420001' },
    ],
    due: '0.000427001',
    charged: verdict,
  })
})

test('a price the page does not have is not guessed', () => {
  expect(explainCharge(someRequest(1, { priceId: 'a-model/2027-01-01' }), example)).toBeUndefined()
})

test('classes without tokens are not named', () => {
  expect(tokenClasses(someRequest(1))).toEqual([
    { name: 'input', tokens: 1_000 },
    { name: 'output', tokens: 200 },
  ])
})

function countsOf(usage: Usage): TokenCounts {
  return {
    inputTokens: usage.input,
    cachedInputTokens: usage.cachedInput,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    thinkingOutputTokens: usage.thinkingOutput,
  }
}
