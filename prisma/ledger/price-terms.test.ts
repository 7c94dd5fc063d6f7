import { expect, test } from 'vitest'
import { loadCatalog } from '../catalog/index.ts'
import { isRise, priceRowOf, storedPrice, type PriceTerms } from './price-terms.ts'

const flat = (input: string, output: string): PriceTerms => ({
  window: null,
  tiers: [{ up_to: null, rates: { input, output } }],
})

const tiered = (short: string, long: string): PriceTerms => ({
  window: null,
  tiers: [
    { up_to: 1_000, rates: { input: short, output: '10' } },
    { up_to: null, rates: { input: long, output: '10' } },
  ],
})

test.each([
  ['the same', flat('5', '10'), flat('5', '10'), false],
  ['all cheaper', flat('5', '10'), flat('4', '9'), false],
  ['one class dearer, the other cheaper', flat('5', '10'), flat('6', '1'), true],
  ['dearer for long prompts only', flat('5', '10'), tiered('5', '6'), true],
  ['cheaper for short prompts only', flat('5', '10'), tiered('4', '5'), false],
  ['one price in place of two, at the lower', tiered('5', '9'), flat('5', '10'), false],
  ['one price in place of two, at the higher', tiered('5', '9'), flat('9', '10'), true],
  [
    'a difference that a float would not see',
    flat('9007199254740992', '1'),
    flat('9007199254740993', '1'),
    true,
  ],
])('%s: is it a rise? %s', (_case, now, next, expected) => {
  expect(isRise(now, next)).toBe(expected)
})

test('a stored price is read back as the catalog had it, to the last digit', () => {
  for (const model of loadCatalog().models) {
    for (const price of model.prices) {
      const { id, valid_from, terms } = JSON.parse(JSON.stringify(storedPrice(model, price))) as {
        id: string
        valid_from: string
        terms: PriceTerms
      }
      expect(priceRowOf({ id, valid_from: new Date(valid_from), terms })).toEqual(price)
    }
  }
})

test('a stored price that lacks a class is no price', () => {
  const row = { id: 'm/2026-01-01', valid_from: new Date(0), terms: flat('1', '2') }
  expect(() => priceRowOf(row)).toThrow('no rate for cachedInput')
})
