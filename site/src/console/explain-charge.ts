import { formatRate, formatUsd, nanoUsd, usd, type Rate } from '@smartoken/prisma/money'
import type { PublishedPrices, TokenClass } from './published-prices.ts'
import type { RequestRow, TokenCounts } from './operations.ts'

/** How many tokens of a class were charged, at how many dollars a million. */
export interface ExplainedClass {
  readonly name: string
  readonly tokens: number
  readonly rate: string
}

export interface Explanation {
  readonly classes: readonly ExplainedClass[]
  /** Dollars by the published price, rounded up to a billionth. */
  readonly due: string
  /** How what was charged compares with it. */
  readonly charged: 'the same' | 'less' | 'more'
}

const names: readonly (readonly [TokenClass, keyof TokenCounts, string])[] = [
  ['input', 'inputTokens', 'input'],
  ['cachedInput', 'cachedInputTokens', 'cached input'],
  ['cacheWrite', 'cacheWriteTokens', 'cache write'],
  ['output', 'outputTokens', 'output'],
  ['thinkingOutput', 'thinkingOutputTokens', 'output with thinking'],
]

/** The classes a request has tokens of, by the names people know. */
export function tokenClasses(counts: TokenCounts): readonly { name: string; tokens: number }[] {
  return names
    .map(([, field, name]) => ({ name, tokens: counts[field] }))
    .filter(({ tokens }) => tokens > 0)
}

/**
 * Works a request's charge out anew from the published price it was charged by. Returns undefined
 * for a price that is not among them.
 */
export function explainCharge(
  request: RequestRow,
  prices: PublishedPrices,
): Explanation | undefined {
  const prompt = request.inputTokens + request.cachedInputTokens + request.cacheWriteTokens
  const tier = prices[request.priceId]?.find(({ upTo }) => upTo === undefined || prompt <= upTo)
  if (!tier) return undefined

  const classes = names
    .map(([key, field, name]) => ({
      name,
      tokens: request[field],
      rate: BigInt(tier.rates[key]) as Rate,
    }))
    .filter(({ tokens }) => tokens > 0)
  // A rate is the price of one token in picodollars.
  const pico = classes.reduce((sum, { tokens, rate }) => sum + BigInt(tokens) * rate, 0n)
  const due = nanoUsd((pico + 999n) / 1_000n)
  return {
    classes: classes.map(({ rate, ...rest }) => ({ ...rest, rate: formatRate(rate) })),
    due: formatUsd(due),
    charged: compare(usd(request.charge), due),
  }
}

function compare(charge: bigint, due: bigint): Explanation['charged'] {
  if (charge === due) return 'the same'
  return charge < due ? 'less' : 'more'
}
