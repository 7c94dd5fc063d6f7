import type { ClientBase, Pool } from 'pg'

/** What the ledger runs its statements on: a `pg` pool or client that reads `int8` as bigint. */
export type Queryable = Pick<Pool | ClientBase, 'query'>

/**
 * Rows as the ledger's functions take them: one JSON array, keys in snake_case, bigint as text
 * (PostgreSQL casts it exactly; a JSON number would be read as a float by others).
 */
export const asRows = (rows: readonly object[]): string => JSON.stringify(rows.map(snakeCased))

function snakeCased(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [columnOf(name), snakeCased(field)]),
  )
}

/** Every row has the same few names: each is worked out once. */
const columns = new Map<string, string>()

function columnOf(name: string): string {
  const known = columns.get(name)
  if (known !== undefined) return known
  const column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  columns.set(name, column)
  return column
}
