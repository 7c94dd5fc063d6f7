import type { Model, PriceRow, Window } from '@smartoken/prisma/catalog'
import { rate } from '@smartoken/prisma/money'
import { expect, test } from 'vitest'
import { pricingRows } from './pricing-rows.ts'

const AT = new Date('2026-11-23T00:00:00Z')
const windows = new Map([
  [
    'peak',
    { name: 'Peak hours', weekdays: [1], hours: [], except: [], zone: 'UTC' } as unknown as Window,
  ],
])
const shown = (prices: readonly PriceRow[]) =>
  pricingRows({ windows }, { prices } as unknown as Model, AT).map(({ conditions, rates }) => [
    conditions.join(' · '),
    rates.get('input'),
    rates.get('cacheWrite'),
  ])

test('a price without conditions is one line', () => {
  expect(shown([row('2026-11-20', '1')])).toEqual([['All requests', '1.00', '1.00']])
})

test('hours need no word about the prompt where its length does not matter', () => {
  expect(shown([row('2026-11-20', '1'), row('2026-11-20', '2', 'peak')])).toEqual([
    ['All other hours', '1.00', '1.00'],
    ['Peak hours', '2.00', '2.00'],
  ])
})

test('a coming price stands below the one in force, with its beginning; a past one is left out', () => {
  expect(shown([row('2026-12-01', '3'), row('2026-11-20', '2'), row('2026-11-01', '1')])).toEqual([
    ['All requests', '2.00', '2.00'],
    ['From December 1, 2026 at 00:00 UTC · All requests', '3.00', '3.00'],
  ])
})

function row(from: string, input: string, window?: string): PriceRow {
  const [cost, output] = [rate(input), rate('9')]
  const rates = { input: cost, cachedInput: cost, cacheWrite: cost, output, thinkingOutput: output }
  return { id: from, from: new Date(from), window, tiers: [{ upTo: undefined, rates }] }
}
