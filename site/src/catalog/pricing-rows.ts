import { pricesComing, pricesLiveAt, type Catalog, type Model } from '@smartoken/prisma/catalog'
import { priceTable, type Cell, type TierLine, type TokenClass } from './price-table.ts'
import { formatMinute } from './words.ts'

/** One condition of a model's price, all five classes spelt out. */
export interface PricingRow {
  /** When it begins if it is to come, then hours and length of prompt as far as the price depends on them. */
  readonly conditions: readonly string[]
  /** Per million tokens, decimals. */
  readonly rates: ReadonlyMap<TokenClass, string>
}

/** Every condition of a model's live prices, then of its coming ones. */
export function pricingRows(
  catalog: Pick<Catalog, 'windows'>,
  model: Model,
  at: Date,
): readonly PricingRow[] {
  const coming = Map.groupBy(pricesComing(model, at), ({ from }) => +from)
  return [pricesLiveAt(model, at), ...coming.values()].flatMap((rows) => {
    const from = rows[0]?.from
    const start = from !== undefined && from > at ? [`From ${formatMinute(from)}`] : []
    return priceTable(catalog, rows, at).groups.flatMap(({ label, lines }) =>
      lines.map((line) => ({
        conditions: [...start, ...conditionsOf(label, line, lines)],
        rates: spelled(line.cells),
      })),
    )
  })
}

/** The hours say it all where the length of the prompt does not matter. */
function conditionsOf(
  label: string | undefined,
  line: TierLine,
  lines: readonly TierLine[],
): readonly string[] {
  if (label === undefined) return [line.label]
  return lines.length === 1 ? [label] : [label, line.label]
}

function spelled(cells: readonly Cell[]): ReadonlyMap<TokenClass, string> {
  return new Map(cells.flatMap(({ classes, rate }) => classes.map((name) => [name, rate] as const)))
}
