import type { Rate } from '../money.ts'
import type { Catalog, CostRow, Model, PriceRow, Rates, Tier } from './model.ts'
import { replacedAt, type Row } from './row.ts'

/** One rate we sell at beside what a provider charges us for the same tokens in the same condition. */
export interface Margin {
  /** `prices[0].tiers[1].output`, as the file spells it. */
  readonly field: string
  /** Id of the route. */
  readonly route: string
  readonly price: Rate
  /** In dollars, rounded up. */
  readonly cost: Rate
}

/** The classes by the name they have in a file. */
const classes = [
  ['input', 'input'],
  ['cached_input', 'cachedInput'],
  ['cache_write', 'cacheWrite'],
  ['output', 'output'],
  ['thinking_output', 'thinkingOutput'],
] as const satisfies readonly (readonly [string, keyof Rates])[]

const NANO = 1_000_000_000n

/**
 * Every price of a model beside every cost it can meet: each class of each tier, in each window, on each
 * route, for as long as both rows stand.
 */
export function margins(catalog: Catalog, model: Model): Margin[] {
  return model.prices.flatMap((price, at) =>
    model.routes.flatMap(({ id: route, costs }) =>
      costs
        .filter((cost) => canMeet(model.prices, price, costs, cost))
        .flatMap((cost) =>
          tierPairs(price, cost).flatMap(([tier, sold, paid]) =>
            classes.map(([name, key]) => ({
              field: `prices[${at}].tiers[${tier}].${name}`,
              route,
              price: sold[key],
              cost: inDollars(catalog, cost, paid[key]),
            })),
          ),
        ),
    ),
  )
}

/**
 * Whether some instant is answered by this price and charged by this cost. Two windows are taken to
 * share an instant; a base row never meets a window that has a row of its own beside it.
 */
function canMeet(
  prices: readonly PriceRow[],
  price: PriceRow,
  costs: readonly CostRow[],
  cost: CostRow,
): boolean {
  const beside = (rows: readonly Row[], row: Row, window: string) =>
    rows.some((other) => other.window === window && +other.from === +row.from)
  if (!price.window && cost.window && beside(prices, price, cost.window)) return false
  if (price.window && !cost.window && beside(costs, cost, price.window)) return false
  const priceEnd = replacedAt(prices, price.from)
  const costEnd = replacedAt(costs, cost.from)
  return (!priceEnd || cost.from < priceEnd) && (!costEnd || price.from < costEnd)
}

/** The tiers a prompt of one length can be in: place of the price's tier, its rates, the cost's rates. */
function tierPairs(price: PriceRow, cost: CostRow): (readonly [number, Rates, Rates])[] {
  return price.tiers.flatMap((sold, at) =>
    cost.tiers
      .filter(
        (paid, paidAt) =>
          above(cost.tiers, paidAt) < end(sold) && above(price.tiers, at) < end(paid),
      )
      .map((paid) => [at, sold.rates, paid.rates] as const),
  )
}

/** A tier holds prompts of more tokens than `above`, up to and including `end`. */
const above = (tiers: readonly Tier[], at: number): number => tiers[at - 1]?.upTo ?? 0
const end = (tier: Tier): number => tier.upTo ?? Infinity

/** A provider's rate in dollars per million tokens, rounded up to the next millionth. */
function inDollars(catalog: Catalog, { currency }: CostRow, amount: Rate): Rate {
  return currency === 'USD'
    ? amount
    : (((amount * catalog.yuan.nanoUsd + NANO - 1n) / NANO) as Rate)
}
