import type { Model, PriceRow, Rates } from '../catalog/index.ts'
import type { Rate } from '../money.ts'

/** A price row as the database keeps it. */
export interface StoredPrice {
  readonly id: string
  readonly model_id: string
  readonly valid_from: Date
  readonly valid_until: Date | null
  readonly terms: PriceTerms
}

/** Rates as decimal integers in text: JSON has no bigint. */
export interface PriceTerms {
  readonly window: string | null
  readonly tiers: readonly {
    readonly up_to: number | null
    readonly rates: Readonly<Record<string, string>>
  }[]
}

/** The row of the catalog as it is stored: valid until the next `from` of its model. */
export function storedPrice(model: Model, price: PriceRow): StoredPrice {
  const later = model.prices
    .filter(({ from }) => from > price.from)
    .map(({ from }) => from.getTime())
  return {
    id: price.id,
    model_id: model.id,
    valid_from: price.from,
    valid_until: later.length > 0 ? new Date(Math.min(...later)) : null,
    terms: {
      window: price.window ?? null,
      tiers: price.tiers.map(({ upTo, rates }) => ({
        up_to: upTo ?? null,
        rates: Object.fromEntries(
          Object.entries(rates).map(([name, rate]) => [name, String(rate)]),
        ),
      })),
    },
  }
}

/** A stored row as the catalog has it: what requests admitted by it are charged, whatever the catalog says by now. */
export function priceRowOf({
  id,
  valid_from,
  terms,
}: Pick<StoredPrice, 'id' | 'valid_from' | 'terms'>): PriceRow {
  return {
    id,
    from: valid_from,
    window: terms.window ?? undefined,
    tiers: terms.tiers.map(({ up_to, rates }) => ({
      upTo: up_to ?? undefined,
      rates: {
        input: rateIn(rates, 'input'),
        cachedInput: rateIn(rates, 'cachedInput'),
        cacheWrite: rateIn(rates, 'cacheWrite'),
        output: rateIn(rates, 'output'),
        thinkingOutput: rateIn(rates, 'thinkingOutput'),
      },
    })),
  }
}

/** @throws Error where the stored row lacks the class: `BigInt` would make 0 of an empty text */
function rateIn(rates: PriceTerms['tiers'][number]['rates'], name: keyof Rates): Rate {
  const digits = rates[name]
  if (!digits) throw new Error(`a stored price has no rate for ${name}`)
  return BigInt(digits) as Rate
}

/** Whether any token of any class costs more by `next` than by `now`, at any length of prompt. */
export function isRise(now: PriceTerms, next: PriceTerms): boolean {
  const edges = [...now.tiers, ...next.tiers].map(({ up_to }) => up_to ?? Number.POSITIVE_INFINITY)
  return edges.some((prompt) => {
    const [before, after] = [ratesAt(now, prompt), ratesAt(next, prompt)]
    return Object.entries(after).some(([name, rate]) => BigInt(rate) > BigInt(before[name] ?? '0'))
  })
}

const ratesAt = ({ tiers }: PriceTerms, prompt: number) =>
  tiers.find(({ up_to }) => prompt <= (up_to ?? Number.POSITIVE_INFINITY))!.rates
