import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { runBatch } from './batch.ts'
import type { HoldRequest } from './hold.ts'
import type { Queryable } from './statement.ts'

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query('select ensure_partitions()')
  await prepareHolds(database.pool)
  account = await createAccount(database.pool, { balance: '1000' })
})

afterAll(() => database.drop())

/** Settles what was opened before, renews half of what is open and opens as many anew. */
async function turn(session: Queryable, before: readonly HoldRequest[], count: number) {
  const opened = Array.from({ length: count }, () => holdOf(account))
  await runBatch(
    session,
    {
      settlements: before.map((hold) => settlementOf(hold)),
      renewals: before.slice(0, count / 2).map((hold) => ({ ...hold, total: hold.amount })),
      requests: opened,
    },
    { wait: false },
  )
  return opened
}

/** Rows of holds and requests this session has read, not yet handed on to PostgreSQL's statistics. */
async function rowsRead(session: Queryable): Promise<bigint> {
  const { rows } = await session.query<{ read: bigint }>(
    `select sum(seq_tup_read + idx_tup_fetch)::bigint as read from pg_stat_xact_user_tables
       where relname like 'request%' or relname = 'hold'`,
  )
  return rows[0]!.read
}

test('what was planned for nearly empty tables reads no more rows when they have filled', async () => {
  const session = await database.pool.connect()
  let open = await turn(session, [], 10)
  await database.pool.query('alter table hold set (autovacuum_enabled = off)')
  await database.pool.query('analyze')
  // Six times, and PostgreSQL keeps its plans.
  for (let times = 0; times < 6; times += 1) open = await turn(session, open, 10)
  for (let times = 0; times < 20; times += 1) open = await turn(session, open, 100)

  await session.query('begin')
  const before = await rowsRead(session)
  open = await turn(session, open, 10)
  const read = (await rowsRead(session)) - before
  await session.query('commit')
  session.release()
  // A hundred are settled and ten opened, each looked at a few times, of two thousand that there are.
  expect(read).toBeGreaterThan(100n)
  expect(read).toBeLessThan(1_000n)
})
