import { ulid } from 'ulid'

/**
 * The cell this process writes to. Every id carries it, so that a second cell (its own PostgreSQL) can be
 * told apart by id alone. There is one cell today.
 */
const CELL = '00'

const prefixes = {
  account: 'acc',
  apiKey: 'key',
  request: 'req',
} as const

/** A new id, `req_00` + ULID: sortable by time, so monthly partitions are ranges of ids. */
export const newId = (of: keyof typeof prefixes): string =>
  `${prefixes[of]}_${CELL}${ulid(undefined, random)}`

const pool = new Uint8Array(4_096)
let used = pool.length

/** A number in [0, 1). Drawn from a pool: ulid's own asks the system for each of an id's 16 letters. */
function random(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  return pool[used++]! / 256
}
