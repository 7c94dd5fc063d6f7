import { expect, test } from 'vitest'
import { isRise, type PriceTerms } from './price-terms.ts'

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
