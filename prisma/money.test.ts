import { assert, bigInt, property } from 'fast-check'
import { expect, test } from 'vitest'
import { formatRate, formatUsd, nanoUsd, rate, usd } from './money.ts'

test.each([
  ['0', 0n, '0.00'],
  ['1', 1_000_000_000n, '1.00'],
  ['0.28', 280_000_000n, '0.28'],
  ['0.5', 500_000_000n, '0.50'],
  ['0.000000001', 1n, '0.000000001'],
  ['-12.345', -12_345_000_000n, '-12.345'],
  ['-0.01', -10_000_000n, '-0.01'],
  ['999999999999.999999999', 999_999_999_999_999_999_999n, '999999999999.999999999'],
])('%s dollars', (decimal, amount, shown) => {
  expect(usd(decimal)).toBe(amount)
  expect(formatUsd(nanoUsd(amount))).toBe(shown)
})

test.each([
  ['0.28', 280_000n, '0.28'],
  ['0.0033', 3_300n, '0.0033'],
  ['15', 15_000_000n, '15.00'],
  ['0.000001', 1n, '0.000001'],
])('%s dollars per million tokens', (decimal, amount, shown) => {
  expect(rate(decimal)).toBe(amount)
  expect(formatRate(rate(decimal))).toBe(shown)
})

test.each([
  [''],
  [' 1'],
  ['1 '],
  ['1.'],
  ['.5'],
  ['+1'],
  ['--1'],
  ['1e3'],
  ['0x10'],
  ['1,5'],
  ['1.2.3'],
  ['NaN'],
  ['Infinity'],
  ['１'],
  ['1\n'],
  ['1000000000000'],
  ['0.0000000001'],
])('"%s" is no amount of dollars', (text) => {
  expect(() => usd(text)).toThrow(RangeError)
})

test('a rate has at most six places', () => {
  expect(() => rate('0.0000001')).toThrow(
    new RangeError('"0.0000001" is not a decimal amount with at most 6 places'),
  )
})

const amount = bigInt(-(10n ** 20n), 10n ** 20n)

test('what is shown is exactly what was meant', () => {
  assert(
    property(amount, (value) => {
      expect(usd(formatUsd(nanoUsd(value)))).toBe(value)
    }),
  )
})

test('every amount is shown with two places or more and no idle zero past them', () => {
  assert(
    property(amount, (value) => {
      expect(formatUsd(nanoUsd(value))).toMatch(/^-?\d+\.\d{2}(\d*[1-9])?$/)
    }),
  )
})
