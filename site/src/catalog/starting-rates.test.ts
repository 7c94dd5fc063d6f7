import type { PriceRow, Rates } from '@smartoken/prisma/catalog'
import { rate } from '@smartoken/prisma/money'
import { expect, test } from 'vitest'
import { startingRates } from './starting-rates.ts'

test('one rate for all is shown as it is', () => {
  expect(startingRates([row([rates('1', '2', '2')])])).toEqual({
    input: { rate: '1.00', varies: false },
    output: { rate: '2.00', varies: false },
  })
})

test.each<[string, PriceRow[]]>([
  ['tier', [row([rates('1', '2', '2'), rates('3', '4', '4')])]],
  ['window', [row([rates('3', '4', '4')]), row([rates('1', '2', '2')], 'peak')]],
])('where the price depends on the %s, the lowest is where it starts', (_name, rows) => {
  expect(startingRates(rows)).toEqual({
    input: { rate: '1.00', varies: true },
    output: { rate: '2.00', varies: true },
  })
})

test('thinking can raise the output alone', () => {
  expect(startingRates([row([rates('1', '2', '8')])])).toEqual({
    input: { rate: '1.00', varies: false },
    output: { rate: '2.00', varies: true },
  })
})

function row(tiers: readonly Rates[], window?: string): PriceRow {
  return {
    id: 'model/2026-11-20',
    from: new Date('2026-11-20'),
    window,
    tiers: tiers.map((rates, index) => ({
      upTo: index === tiers.length - 1 ? undefined : (index + 1) * 1000,
      rates,
    })),
  }
}

function rates(input: string, output: string, thinkingOutput: string): Rates {
  return {
    input: rate(input),
    cachedInput: rate(input),
    cacheWrite: rate(input),
    output: rate(output),
    thinkingOutput: rate(thinkingOutput),
  }
}
