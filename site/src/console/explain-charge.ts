import type { Tier, Usage } from '@smartoken/prisma/catalog'
import { charge, tierFor } from '@smartoken/prisma/catalog/price'
import { promptTokens } from '@smartoken/prisma/catalog/usage'
import { formatRate, formatUsd, usd, type Rate } from '@smartoken/prisma/money'
import type { PublishedPrices, PublishedTier, TokenClass } from './published-prices.ts'
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
  readonly charged: Charged
}

/** `excused`, `uncovered` and `limited` are less, and why: the provider broke off, the wallet was empty, no more was held. */
export type Charged = 'the same' | 'excused' | 'uncovered' | 'limited' | 'more'

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
 * Works a request's charge out anew from the published price it was charged by, as the gateway does. Returns undefined
 * for a price that is not among them.
 */
export function explainCharge(
  request: RequestRow,
  prices: PublishedPrices,
): Explanation | undefined {
  const tiers = prices[request.priceId]?.map(tierOf)
  if (!tiers) return undefined

  const usage = usageOf(request)
  const { rates } = tierFor({ tiers }, promptTokens(usage))
  const due = charge(usage, { tiers })
  return {
    classes: names
      .map(([key, , name]) => ({ name, tokens: usage[key], rate: formatRate(rates[key]) }))
      .filter(({ tokens }) => tokens > 0),
    due: formatUsd(due),
    charged: compare(request, due),
  }
}

const tierOf = ({ upTo, rates }: PublishedTier): Tier => ({
  upTo,
  rates: byClass((key) => BigInt(rates[key]) as Rate),
})

const usageOf = (request: TokenCounts): Usage => byClass((_key, field) => request[field])

const byClass = <Value>(valueOf: (key: TokenClass, field: keyof TokenCounts) => Value) =>
  Object.fromEntries(names.map(([key, field]) => [key, valueOf(key, field)])) as Record<
    TokenClass,
    Value
  >

function compare({ charge, excused, shortfall, outcome }: RequestRow, due: bigint): Charged {
  const borne = usd(excused) + usd(shortfall)
  if (usd(charge) + borne > due) return 'more'
  if (usd(charge) + borne < due) return outcome === 'money_limit' ? 'limited' : 'uncovered'
  if (borne === 0n) return 'the same'
  return usd(excused) > 0n ? 'excused' : 'uncovered'
}
