import type { PriceRow } from '@smartoken/prisma/catalog'
import { formatRate, type Rate } from '@smartoken/prisma/money'

export interface StartingRate {
  /** The lowest rate of any condition, per million tokens, a decimal. */
  readonly rate: string
  /** Whether some condition costs more, so that a list has to say "from". */
  readonly varies: boolean
}

/** What a list shows of a model's live rows: the lowest input and output rate, and whether that is all. */
export function startingRates(rows: readonly PriceRow[]): {
  readonly input: StartingRate
  readonly output: StartingRate
} {
  const rates = rows.flatMap(({ tiers }) => tiers.map((tier) => tier.rates))
  return {
    input: starting(rates.map(({ input }) => input)),
    output: starting(rates.flatMap(({ output, thinkingOutput }) => [output, thinkingOutput])),
  }
}

/** @throws Error without rates: a model on sale has a price. */
function starting(rates: readonly Rate[]): StartingRate {
  const lowest = rates.reduce((left, right) => (left < right ? left : right))
  return { rate: formatRate(lowest), varies: rates.some((rate) => rate !== lowest) }
}
