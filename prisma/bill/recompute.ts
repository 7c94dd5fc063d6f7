import type { Tier } from '../catalog/model.ts'
import { tierFor } from '../catalog/price.ts'
import { promptTokens, type Usage } from '../catalog/usage.ts'
import { formatUsd, nanoUsd, rate, usd, type NanoUsd } from '../money.ts'
import { countFor, dueFor } from './bill.ts'
import { tokensPerKilobyte } from './counted.ts'
import { ruleOf } from './outcomes.ts'
import { readReceipt, type Receipt } from './receipt-schema.ts'

export interface Recomputed {
  readonly receipt: Receipt
  /** The usage that is billed: as stated or, where it was counted, counted anew from the bytes. */
  readonly usage: Usage
  /** The tier its prompt falls into. */
  readonly tier: Tier
  /** nUSD by price and outcome. */
  readonly due: NanoUsd
  /** nUSD: what is due less what was excused and what the wallet could not cover. */
  readonly charge: NanoUsd
  /** Where the receipt says otherwise; empty where it is right. */
  readonly differences: readonly string[]
}

/**
 * Works a charge out anew from its receipt alone: usage, tier, rates, one rounding, the cap of what was held.
 *
 * @throws ReceiptUnreadable on anything but a receipt; RangeError where it was counted by parameters never published
 */
export function recompute(value: unknown): Recomputed {
  const receipt = readReceipt(value)
  const usage = usageOf(receipt)
  const tiers = receipt.price.tiers.map(tierOf)
  const tier = tierFor({ tiers }, promptTokens(usage))
  const cappedAtHold = ruleOf(receipt.outcome).cappedAtHold ?? false
  const due = dueFor({ usage, cappedAtHold }, { tiers }, usd(receipt.hold.amount_usd))
  const charge = nanoUsd(due - usd(receipt.settle.excused_usd) - usd(receipt.settle.shortfall_usd))
  const differences = [
    ...usageDifferences(receipt, usage),
    ...differing('tier', receipt.price.tier, tiers.indexOf(tier)),
    ...differing('due_usd', receipt.settle.due_usd, formatUsd(due)),
    ...differing('charge_usd', receipt.charge_usd, formatUsd(charge)),
    ...ledgerDifferences(receipt, charge),
  ]
  return { receipt, usage, tier, due, charge, differences }
}

/** The usage a receipt's bill is made of. */
function usageOf({ outcome, usage, counted }: Receipt): Usage {
  if (!counted) {
    return {
      input: usage.input,
      cachedInput: usage.cached_input,
      cacheWrite: usage.cache_write,
      output: usage.output,
      thinkingOutput: usage.thinking_output,
    }
  }
  const { version, family, limit } = counted
  const { prompt_bytes: promptBytes, answer_bytes: answerBytes } = counted
  return countFor(outcome, { family, promptBytes, answerBytes, limit }, version)
}

function usageDifferences(
  { usage, usage_source, counted, price }: Receipt,
  found: Usage,
): string[] {
  // Of a model that has left the catalog it is not known any more what its text was counted by.
  const untold = price.source.page === null && counted === null
  return [
    ...(untold ? [] : differing('usage_source', usage_source === 'counted', counted !== null)),
    ...(counted
      ? differing(
          'counted.tokens_per_kilobyte',
          counted.tokens_per_kilobyte,
          tokensPerKilobyte(counted.version, counted.family),
        )
      : []),
    ...differing('usage.input', usage.input, found.input),
    ...differing('usage.cached_input', usage.cached_input, found.cachedInput),
    ...differing('usage.cache_write', usage.cache_write, found.cacheWrite),
    ...differing('usage.output', usage.output, found.output),
    ...differing('usage.thinking_output', usage.thinking_output, found.thinkingOutput),
    ...(usage_source === 'none' && Object.values(found).some((tokens) => tokens > 0)
      ? ['usage_source is none, and yet there is usage']
      : []),
  ]
}

/** What no wallet can have done, whatever the usage was. */
function ledgerDifferences({ outcome, settle }: Receipt, charge: NanoUsd): string[] {
  return [
    ...(usd(settle.excused_usd) > 0n && !ruleOf(outcome).excusable
      ? [`settle.excused_usd is ${settle.excused_usd}, but nothing is excused for ${outcome}`]
      : []),
    ...(usd(settle.refunded_usd) > charge && charge >= 0n
      ? ['settle.refunded_usd is more than was charged']
      : []),
  ]
}

const differing = <Value>(name: string, stated: Value, found: Value): string[] =>
  stated === found ? [] : [`${name} is ${String(stated)}, worked out anew it is ${String(found)}`]

const tierOf = (tier: Receipt['price']['tiers'][number]): Tier => ({
  upTo: tier.prompt_tokens_up_to ?? undefined,
  rates: {
    input: rate(tier.input),
    cachedInput: rate(tier.cached_input),
    cacheWrite: rate(tier.cache_write),
    output: rate(tier.output),
    thinkingOutput: rate(tier.thinking_output),
  },
})
