import { assert, constantFrom, integer, property, type Arbitrary, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { anyPrice, anyUsage, catalog } from '../bill/receipt.fixture.ts'
import { formatRate, formatUsd, type NanoUsd } from '../money.ts'
import { charge, mostExpensive, type PriceRow, type Usage } from './index.ts'

const RUNS = { numRuns: 20_000 }
const classes = ['input', 'cachedInput', 'cacheWrite', 'output', 'thinkingOutput'] as const

/** A rational number. */
interface Fraction {
  readonly over: bigint
  readonly under: bigint
}

const plus = (one: Fraction, other: Fraction): Fraction => ({
  over: one.over * other.under + other.over * one.under,
  under: one.under * other.under,
})
const times = (one: Fraction, other: Fraction): Fraction => ({
  over: one.over * other.over,
  under: one.under * other.under,
})
const isBelow = (one: Fraction, other: Fraction): boolean =>
  one.over * other.under < other.over * one.under

/** A decimal string, as a page shows it, as the exact number it means. */
function fraction(decimal: string): Fraction {
  const [whole, places = ''] = decimal.split('.')
  return { over: BigInt(whole + places), under: 10n ** BigInt(places.length) }
}

const MILLIONTH = { over: 1n, under: 1_000_000n }
const NANO = { over: 1n, under: 1_000_000_000n }

/** Dollars by the words of the price page: the tier of the prompt's length, tokens × dollars per million. */
function byTheWords({ tiers }: PriceRow, usage: Usage): Fraction {
  const prompt = usage.input + usage.cachedInput + usage.cacheWrite
  const { rates } = tiers.filter(({ upTo }) => upTo === undefined || upTo >= prompt)[0]!
  return classes
    .map((name) => {
      const tokens = { over: BigInt(usage[name]), under: 1n }
      return times(times(tokens, MILLIONTH), fraction(formatRate(rates[name])))
    })
    .reduce(plus)
}

const dollars = (amount: NanoUsd): Fraction => fraction(formatUsd(amount))

const soldPrice: Arbitrary<PriceRow> = constantFrom(
  ...catalog.models.flatMap(({ prices }) => prices),
)

test.each<[string, Arbitrary<PriceRow>]>([
  ['any price', anyPrice],
  ['every price that is sold', soldPrice],
])(
  'by %s, a charge is never below the exact amount, and less than a nano-dollar above',
  (_name, prices) => {
    assert(
      property(prices, anyUsage, (price, usage) => {
        const exact = byTheWords(price, usage)
        const charged = dollars(charge(usage, price))
        expect(isBelow(charged, exact)).toBe(false)
        expect(isBelow(charged, plus(exact, NANO))).toBe(true)
      }),
      RUNS,
    )
  },
)

test('a charge is never negative, and nothing only for nothing', () => {
  assert(
    property(anyPrice, anyUsage, (price, usage) => {
      const isEmpty = classes.every((name) => usage[name] === 0)
      expect(charge(usage, price) > 0n).toBe(!isEmpty)
      expect(charge(usage, price) >= 0n).toBe(true)
    }),
    RUNS,
  )
})

const more = tuple(constantFrom(...classes), integer({ min: 1, max: 1_000_000 }))

test('more tokens of any class never cost less, also where they reach the next tier of a price that is sold', () => {
  assert(
    property(soldPrice, anyUsage, more, (price, usage, [name, count]) => {
      const larger = { ...usage, [name]: usage[name] + count }
      expect(charge(larger, price) >= charge(usage, price)).toBe(true)
    }),
    RUNS,
  )
})

test('nor by any price within a tier', () => {
  assert(
    property(anyPrice, anyUsage, more, ({ tiers, ...price }, usage, [name, count]) => {
      const flat = { ...price, tiers: [tiers.at(-1)!] }
      const larger = { ...usage, [name]: usage[name] + count }
      expect(charge(larger, flat) >= charge(usage, flat)).toBe(true)
    }),
    RUNS,
  )
})

test('no usage within its bounds costs more than the hold, in whatever classes it is reported', () => {
  assert(
    property(anyPrice, anyUsage, more, (price, usage, [, count]) => {
      const inputTokens = usage.input + usage.cachedInput + usage.cacheWrite + (count % 1_000)
      const outputTokens = usage.output + usage.thinkingOutput + (count % 7)
      expect(charge(usage, price) <= mostExpensive(price, { inputTokens, outputTokens })).toBe(true)
    }),
    RUNS,
  )
})
