import type { Catalog, Model, PriceRow, Window } from './model.ts'
import { replacedAt, rowsLiveAt, type Row } from './row.ts'
import { spanAround } from './window.ts'

/** A price and the time `[from, until)` in which it answers; `until` is undefined where no end is known. */
export interface Quote {
  readonly price: PriceRow
  readonly from: Date
  readonly until: Date | undefined
}

/**
 * The price row that answers a request admitted at `at`, and for how long it does: until its window
 * closes or another opens, or until a row with a later `from` begins. Keep it until then.
 * @throws Error where no price of the model is live
 */
export function quote(catalog: Catalog, model: Model, at: Date): Quote {
  const price = rowAt(catalog, model.prices, at)
  if (!price) throw new Error(`${model.id} has no price at ${at.toISOString()}`)
  const spans = windowsOf(catalog, pricesLiveAt(model, at)).map((window) => spanAround(window, at))
  return {
    price,
    from: new Date(Math.max(+price.from, ...spans.map(({ from }) => +(from ?? price.from)))),
    until: earliest([replacedAt(model.prices, price.from), ...spans.map(({ until }) => until)]),
  }
}

/** Every row of the `from` that is live: the base row and one a window. For pages. */
export function pricesLiveAt(model: Model, at: Date): PriceRow[] {
  return rowsLiveAt(model.prices, at)
}

/** Rows that are published but not yet live, the nearest first. */
export function pricesComing(model: Model, at: Date): PriceRow[] {
  return model.prices
    .filter(({ from }) => from > at)
    .toSorted((left, right) => +left.from - +right.from)
}

/** The one row that holds at an instant: the live row whose window is open, else the live base row. */
export function rowAt<R extends Row>(
  { windows }: Catalog,
  rows: readonly R[],
  at: Date,
): R | undefined {
  const live = rowsLiveAt(rows, at)
  return (
    live.find(
      ({ window }) => window !== undefined && spanAround(windows.get(window)!, at).inside,
    ) ?? live.find(({ window }) => window === undefined)
  )
}

function windowsOf({ windows }: Catalog, rows: readonly Row[]): Window[] {
  return rows.flatMap(({ window }) => (window === undefined ? [] : [windows.get(window)!]))
}

function earliest(instants: readonly (Date | undefined)[]): Date | undefined {
  const known = instants.filter((instant) => instant !== undefined)
  return known.length > 0 ? new Date(Math.min(...known.map(Number))) : undefined
}
