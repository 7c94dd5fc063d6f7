import { accountChecks, houseChecks, type Check } from './checks.ts'
import { Margins, type Margin } from './margins.ts'
import type { Queryable } from './statement.ts'
import { LEASE_MS } from './sweep.ts'

/** One place where a projection or a request row disagrees with the transfers. */
export interface Break {
  readonly check: string
  readonly subject: string
  /** Whose books it is in; null where it is in nobody's. */
  readonly accountId: string | null
  /** nUSD by the transfers (or the rows that should agree); for counts, how many. */
  readonly expected: bigint
  /** As stored. */
  readonly found: bigint
}

export interface Report {
  /** How many rows each check compared. */
  readonly compared: ReadonlyMap<string, bigint>
  readonly breaks: Break[]
  readonly margins: readonly Margin[]
}

export interface ReconcileOptions {
  readonly leaseMs?: number
  /** How long the sweeper may take over what a lease has left. */
  readonly graceMs?: number
  /** Only this account's books. */
  readonly accountId?: string
}

const GRACE_MS = 60_000

/** Accounts of one page; a page whose slowest statement takes over a second is followed by one of half as many. */
const FIRST_PAGE = 64
const LARGEST_PAGE = 4_096
const SLOW_MS = 1_000
const QUICK_MS = 200

/** Sorts after every id. */
const LAST = '\u{10FFFF}'

/** Rebuilds every projection from the transfers and returns what disagrees; empty when the books are right. */
export const reconcile = async (
  database: Queryable,
  options?: ReconcileOptions,
): Promise<Break[]> => (await audit(database, options)).breaks

/**
 * The same with what was compared and what was earned. Goes by pages of accounts, each check of a page in a statement of
 * its own, so that no snapshot lives long; runs beside live traffic.
 */
export async function audit(
  database: Queryable,
  { leaseMs = LEASE_MS, graceMs = GRACE_MS, accountId }: ReconcileOptions = {},
): Promise<Report> {
  const checks = accountChecks(leaseMs, graceMs)
  const compared = new Map(
    [...checks, ...houseChecks].flatMap(({ names }) => names.map((name) => [name, 0n])),
  )
  const breaks: Break[] = []
  const margins = new Margins()
  const last = accountId ?? LAST
  // Ranges are open below: all but an id's last character sorts before it, and no other id of ours in between.
  let after = accountId?.slice(0, -1) ?? ''
  let size = FIRST_PAGE
  while (after !== last) {
    const until = accountId ?? (await endOfPage(database, after, size))
    let slowest = 0
    for (const check of checks) {
      const began = performance.now()
      breaks.push(...(await compare(database, check, [after, until], compared)))
      slowest = Math.max(slowest, performance.now() - began)
    }
    await margins.add(database, after, until)
    size = nextSize(size, slowest)
    after = until
  }
  for (const check of accountId ? [] : houseChecks)
    breaks.push(...(await compare(database, check, [], compared)))
  return { compared, breaks, margins: margins.list() }
}

async function endOfPage(database: Queryable, after: string, size: number): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `select account_id as id from wallet where account_id > $1 order by account_id offset $2 limit 1`,
    [after, size - 1],
  )
  return rows[0]?.id ?? LAST
}

function nextSize(size: number, slowest: number): number {
  if (slowest > SLOW_MS) return Math.max(1, Math.floor(size / 2))
  return slowest < QUICK_MS ? Math.min(LARGEST_PAGE, size * 2) : size
}

/** Runs a check, counts what it compared, and looks a second time at whatever disagrees. */
async function compare(
  database: Queryable,
  check: Check,
  range: readonly string[],
  compared: Map<string, bigint>,
): Promise<Break[]> {
  const first = await look(database, check, range)
  for (const { check: name, rows } of first) compared.set(name, compared.get(name)! + rows)
  if (first.every(({ breaks }) => breaks.length === 0)) return []
  const seen = new Set(first.flatMap(({ check: name, breaks }) => breaks.map(keyOf(name))))
  return (await look(database, check, range)).flatMap(({ check: name, breaks }) =>
    breaks
      .filter((found) => seen.has(keyOf(name)(found)))
      .map((found) => ({
        ...found,
        check: name,
        expected: BigInt(found.expected),
        found: BigInt(found.found),
      })),
  )
}

const keyOf = (check: string) => (found: Disagreement) => `${check} ${found.subject}`

/** JSON has no bigint, so amounts come as text. */
interface Disagreement {
  readonly subject: string
  readonly accountId: string | null
  readonly expected: string
  readonly found: string
}

interface Look {
  readonly check: string
  readonly rows: bigint
  readonly breaks: readonly Disagreement[]
}

async function look(
  database: Queryable,
  { query }: Check,
  range: readonly string[],
): Promise<Look[]> {
  const { rows } = await database.query<Look>(
    `select name as "check", count(*) as rows,
       coalesce(jsonb_agg(jsonb_build_object('subject', subject, 'accountId', account_id, 'expected', expected::text,
         'found', found::text)) filter (where expected <> found), '[]') as breaks
     from (${query}) as compared group by name`,
    [...range],
  )
  return rows
}
