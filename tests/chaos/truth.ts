import { countUsage } from '@smartoken/prisma/bill'
import {
  charge,
  findModel,
  loadCatalog,
  type PriceRow,
  type Usage,
} from '@smartoken/prisma/catalog'
import type { Books, Row } from './books.ts'
import type { Seen } from './client.ts'
import { promptTokensOf, type Plan } from './plan.ts'
import type { Served } from './upstream.ts'

const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
const catalog = loadCatalog()

/** One request from all three sides. */
export interface Case {
  readonly plan: Plan
  /** As its client saw it. */
  readonly seen: Seen
  /** What the upstream did, if it was called. */
  readonly served: Served | undefined
  /** As it is in the books, if it is. */
  readonly row: Row | undefined
  /** Whether its account hardly ever has money. */
  readonly poor: boolean
  /** Its id, if it was ever admitted. */
  readonly admitted: string | undefined
}

/**
 * What a request really used. A prompt is cached only where the upstream had a chance to say so: a counted bill has it
 * uncached, as published. A client that left before its request got to the upstream owes the prompt all the same.
 */
export function trueUsage({ plan, served, row }: Case): Usage {
  if (!served && row?.outcome !== 'client_left_before_output') return NOTHING
  const cached = row?.usageSource === 'provider' ? plan.cached : 0
  return {
    ...NOTHING,
    input: promptTokensOf(plan.prompt) - cached,
    cachedInput: cached,
    output: served?.tokens ?? 0,
  }
}

/** The most a request may be charged, nUSD: the price of what it really used. */
export const exactPrice = (of: Case): bigint => charge(trueUsage(of), priceOf(of.row!))

/** What reached the client, nUSD: counted from its bytes by the published figures, prompt included; 0 if nothing did. */
export function deliveredPrice({ seen, row }: Case): bigint {
  if (seen.textBytes === 0) return 0n
  const { family } = findModel(catalog, row!.modelId)!.model
  const usage = countUsage({
    family,
    promptBytes: Number(row!.promptBytes),
    answerBytes: seen.textBytes,
    limit: Number.MAX_SAFE_INTEGER,
  })
  return charge(usage, priceOf(row!))
}

/** What was due by the books, whoever bears it, nUSD. */
export const dueOf = ({ charge: taken, shortfall, excused }: Row): bigint =>
  taken + shortfall + excused

function priceOf({ modelId, priceId }: Row): PriceRow {
  const { model } = findModel(catalog, modelId)!
  return model.prices.find(({ id }) => id === priceId)!
}

/** Brings together what the three sides know. */
export function casesOf(
  { seen }: { readonly seen: readonly Seen[] },
  { served }: { readonly served: readonly Served[] },
  { rows, admitted }: Books,
  accounts: readonly { readonly poor: boolean }[],
): Case[] {
  const servedOf = new Map(served.map((one) => [one.plan.id, one]))
  const rowOf = new Map(rows.map((row) => [row.plan, row]))
  return seen.map((one) => ({
    plan: one.plan,
    poor: accounts[one.plan.account]!.poor,
    seen: one,
    served: servedOf.get(one.plan.id),
    row: rowOf.get(one.plan.id),
    admitted: admitted.get(one.plan.id),
  }))
}
