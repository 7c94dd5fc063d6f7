import type { Catalog, Rates } from '@smartoken/prisma/catalog'

export type TokenClass = keyof Rates

/** Every price row by its id, as JSON can carry it: rates are picodollars per token in decimal digits. */
export type PublishedPrices = Readonly<Record<string, readonly PublishedTier[]>>

export interface PublishedTier {
  readonly upTo?: number
  readonly rates: Readonly<Record<TokenClass, string>>
}

/** The prices of the catalog, past ones included: the console works charges out from them. */
export function publishedPrices({ models }: Pick<Catalog, 'models'>): PublishedPrices {
  const rows = models.flatMap(({ prices }) => prices)
  return Object.fromEntries(
    rows.map(({ id, tiers }) => [
      id,
      tiers.map(({ upTo, rates }) => ({ upTo, rates: digits(rates) })),
    ]),
  )
}

function digits(rates: Rates): Record<TokenClass, string> {
  return {
    input: rates.input.toString(),
    cachedInput: rates.cachedInput.toString(),
    cacheWrite: rates.cacheWrite.toString(),
    output: rates.output.toString(),
    thinkingOutput: rates.thinkingOutput.toString(),
  }
}
