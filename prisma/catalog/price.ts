import { nanoUsd, type NanoUsd, type Rate } from '../money.ts'
import type { Catalog, PriceRow, Rates, Route, Tier } from './model.ts'
import { rowAt } from './quote.ts'
import { promptTokens, type Usage } from './usage.ts'

/** Rates are per million tokens in millionths, so a token costs rate / 1,000,000,000,000 of the currency. */
const PER_NANO = 1_000n
const PER_WHOLE = 1_000_000_000_000n

/** What a price, a cost and a published price have in common. */
type Tiered = { readonly tiers: readonly Tier[] }

/** The tier of a prompt of so many tokens; the whole request takes it. */
export function tierFor({ tiers }: Tiered, prompt: number): Tier {
  const tier = tiers.find(({ upTo }) => upTo === undefined || prompt <= upTo)
  if (!tier) throw new Error('A price has no open-ended tier, so it was not loaded by loadCatalog')
  return tier
}

/**
 * What a request is charged, nUSD: rounded once, up, so that no non-empty request is free.
 * @throws RangeError on a count that is negative or not a whole number
 */
export function charge(usage: Usage, price: Tiered): NanoUsd {
  return nanoUsd(ceilDivide(weigh(usage, price), PER_NANO))
}

/**
 * What the provider charges us for a request admitted at `at`, nUSD, in its currency at the catalog's
 * dated rate; rounded once, up.
 * @throws RangeError on a count that is negative or not a whole number; Error where no cost is live
 */
export function cost(catalog: Catalog, usage: Usage, route: Route, at: Date): NanoUsd {
  const row = rowAt(catalog, route.costs, at)
  if (!row) throw new Error(`The route ${route.id} has no cost at ${at.toISOString()}`)
  const amount = weigh(usage, row)
  return row.currency === 'USD'
    ? nanoUsd(ceilDivide(amount, PER_NANO))
    : nanoUsd(ceilDivide(amount * catalog.yuan.nanoUsd, PER_WHOLE))
}

/**
 * The most a request within these bounds can be charged, nUSD: the dearest input class and the dearest
 * output class of every tier its prompt can reach. The sum of both is what a hold must cover.
 */
export function mostExpensive(
  price: PriceRow,
  { inputTokens, outputTokens }: { inputTokens: number; outputTokens: number },
): NanoUsd {
  const { input, output } = dearest(price, inputTokens)
  return nanoUsd(ceilDivide(tokens(inputTokens) * input + tokens(outputTokens) * output, PER_NANO))
}

/** How many output tokens an amount still pays once the input at its dearest is paid: the largest count whose {@link mostExpensive} fits; 0 if none. */
export function outputTokensFor(price: PriceRow, inputTokens: number, amount: NanoUsd): number {
  const { input, output } = dearest(price, inputTokens)
  const rest = amount * PER_NANO - tokens(inputTokens) * input
  if (rest <= 0n) return 0
  const affordable = rest / output
  return affordable > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(affordable)
}

/** Σ tokens × rate: millionths of a millionth of the row's currency. */
function weigh(usage: Usage, row: Tiered): bigint {
  const { rates } = tierFor(row, promptTokens(usage))
  return (
    tokens(usage.input) * rates.input +
    tokens(usage.cachedInput) * rates.cachedInput +
    tokens(usage.cacheWrite) * rates.cacheWrite +
    tokens(usage.output) * rates.output +
    tokens(usage.thinkingOutput) * rates.thinkingOutput
  )
}

function dearest({ tiers }: Tiered, prompt: number): { input: Rate; output: Rate } {
  const reachable = tiers.filter((_, at) => at === 0 || (tiers[at - 1]?.upTo ?? 0) < prompt)
  const most = (classes: readonly (keyof Rates)[]): Rate =>
    reachable
      .flatMap(({ rates }) => classes.map((name) => rates[name]))
      .reduce((left, right) => (left > right ? left : right))
  return {
    input: most(['input', 'cachedInput', 'cacheWrite']),
    output: most(['output', 'thinkingOutput']),
  }
}

function tokens(count: number): bigint {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`${count} is not a count of tokens`)
  }
  return BigInt(count)
}

function ceilDivide(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by
}
