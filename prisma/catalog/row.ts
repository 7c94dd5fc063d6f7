/** What price and cost rows have in common: since when, and in which window, they hold. */
export interface Row {
  readonly from: Date
  readonly window: string | undefined
}

/** The rows of the newest `from` that has come by `at`: a base row and one a window. Rows are newest first. */
export function rowsLiveAt<R extends Row>(rows: readonly R[], at: Date): R[] {
  const live = rows.find(({ from }) => from <= at)?.from
  return live ? rows.filter(({ from }) => from.getTime() === live.getTime()) : []
}

/** The instant the row's `from` is replaced by the next; `undefined` where none is known. */
export function replacedAt(rows: readonly Row[], from: Date): Date | undefined {
  return rows.findLast((row) => row.from > from)?.from
}
