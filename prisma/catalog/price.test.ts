import { assert, bigInt, nat, property } from 'fast-check'
import { expect, test } from 'vitest'
import { anyPrice } from '../bill/receipt.fixture.ts'
import { nanoUsd, rate } from '../money.ts'
import { soundFiles, writeFiles } from './catalog.fixture.ts'
import {
  charge,
  cost,
  loadCatalog,
  mostExpensive,
  outputTokensFor,
  type PriceRow,
  type Rates,
  type Usage,
} from './index.ts'

const none: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

const rates = (input: string, output: string, more: Partial<Rates> = {}): Rates => ({
  input: rate(input),
  cachedInput: rate(input),
  cacheWrite: rate(input),
  output: rate(output),
  thinkingOutput: rate(output),
  ...more,
})

const price: PriceRow = {
  id: 'small/2026-09-01',
  from: new Date('2026-09-01'),
  window: undefined,
  tiers: [
    {
      upTo: 1000,
      rates: rates('0.28', '0.42', { cachedInput: rate('0.028'), thinkingOutput: rate('1.2') }),
    },
    { upTo: undefined, rates: rates('0.56', '0.84', { cacheWrite: rate('0.7') }) },
  ],
}

test.each<[string, Partial<Usage>, bigint]>([
  ['nothing', {}, 0n],
  ['a token, rounded up', { cachedInput: 1 }, 28n],
  ['a token below a nano-dollar times ten', { input: 1 }, 280n],
  [
    'every class at its own rate',
    { input: 100, cachedInput: 200, output: 10, thinkingOutput: 5 },
    43_800n,
  ],
  ['the last prompt of a tier', { input: 600, cachedInput: 400 }, 179_200n],
  ['the whole request by the tier of its prompt', { input: 600, cachedInput: 401 }, 560_560n],
  ['a written cache', { cacheWrite: 2000, output: 1 }, 1_400_840n],
])('%s is charged', (_name, usage, expected) => {
  expect(charge({ ...none, ...usage }, price)).toBe(expected)
})

test('a fraction of a nano-dollar is charged as a whole one, once', () => {
  const cheap = { ...price, tiers: [{ upTo: undefined, rates: rates('0.000001', '0.000001') }] }
  expect(charge({ ...none, input: 1 }, cheap)).toBe(1n)
  expect(charge({ ...none, input: 500, cachedInput: 499, output: 1 }, cheap)).toBe(1n)
  expect(charge({ ...none, input: 500, cachedInput: 500, output: 1 }, cheap)).toBe(2n)
})

test.each([[-1], [0.5], [Number.NaN], [2 ** 53]])('%s is not a count of tokens', (count) => {
  expect(() => charge({ ...none, output: count }, price)).toThrow(RangeError)
  const bounds = { inputTokens: count, outputTokens: 0 }
  expect(() => mostExpensive(price, bounds)).toThrow(RangeError)
})

test.each([
  ['in dollars', '2026-11-01T00:00Z', { input: 800, cachedInput: 200, output: 100 }, 510_000n],
  ['in yuan', '2026-09-01T00:00Z', { input: 1, output: 1 }, 7_500n],
  ['in yuan at peak', '2026-09-01T02:00Z', { input: 1, output: 1 }, 15_000n],
])('a cost %s is booked in nano-dollars', (_name, at, usage, expected) => {
  const catalog = loadCatalog(writeFiles(soundFiles), new Date('2026-11-01T00:00Z'))
  const route = catalog.models[0]!.routes[0]!
  expect(cost(catalog, { ...none, ...usage }, route, new Date(at))).toBe(expected)
})

test('a request before any cost cannot be booked', () => {
  const catalog = loadCatalog(writeFiles(soundFiles), new Date('2026-11-01T00:00Z'))
  const route = catalog.models[0]!.routes[0]!
  expect(() => cost(catalog, none, route, new Date('2026-07-31'))).toThrow(
    'The route one/small-1 has no cost at 2026-07-31T00:00:00.000Z',
  )
})

test.each([
  ['the first tier where the prompt can only be in it', 1000, 10, 292_000n],
  ['both tiers where it can be in either', 1001, 10, 712_700n],
  ['the answer alone', 0, 10, 12_000n],
])('a hold is by %s', (_name, inputTokens, outputTokens, expected) => {
  expect(mostExpensive(price, { inputTokens, outputTokens })).toBe(expected)
})

test.each([
  ['nothing', 1000, 279_999n, 0],
  ['the input alone', 1000, 280_000n, 0],
  ['one token', 1000, 281_200n, 1],
  ['no part of a token', 1000, 281_199n, 0],
])('an amount that pays %s', (_name, inputTokens, amount, expected) => {
  expect(outputTokensFor(price, inputTokens, nanoUsd(amount))).toBe(expected)
})

test('the tokens an amount pays fit it, and one more does not', () => {
  assert(
    property(anyPrice, nat(10_000), bigInt(0n, 10_000_000_000n), (price, inputTokens, money) => {
      const amount = nanoUsd(money)
      const outputTokens = outputTokensFor(price, inputTokens, amount)
      const most = (more: number) =>
        mostExpensive(price, { inputTokens, outputTokens: outputTokens + more })
      expect(most(1) > amount).toBe(true)
      expect(outputTokens === 0 || most(0) <= amount).toBe(true)
    }),
  )
})
