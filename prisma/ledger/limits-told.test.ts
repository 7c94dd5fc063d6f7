import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { setClock } from '../../tests/support/clock.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds } from '../../tests/support/holds.ts'
import { nanoUsd } from '../money.ts'
import { openHolds, type LimitsTold } from './hold.ts'

const NOON = Date.parse('2026-11-25T12:00:00Z')

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})
beforeEach(async () => {
  await at(0)
  account = await createAccount(database.pool, { balance: '1' })
})
afterAll(() => database.drop())

const at = (ms: number) => setClock(database.pool, new Date(NOON + ms))

const limit = (table: 'api_key' | 'account', set: string) =>
  database.pool.query(`update ${table} set ${set} where id = $1`, [
    table === 'account' ? account.accountId : account.apiKeyId,
  ])

const open = (count: number, tokens = 1_000) =>
  openHolds(
    database.pool,
    Array.from({ length: count }, () => holdOf(account, { amount: nanoUsd(10n), tokens })),
  )

const toldTo = async (count: number, tokens?: number): Promise<(LimitsTold | null)[]> =>
  (await open(count, tokens)).map(({ limits }) => limits)

/** What a key's limits are now, without a request. */
async function now(): Promise<LimitsTold | null> {
  const { rows } = await database.pool.query<{ limits: LimitsTold | null }>(
    'select limits_now($1, $2, ledger_clock()) as limits',
    [account.accountId, account.apiKeyId],
  )
  return rows[0]!.limits
}

test('nothing is told where nothing is limited', async () => {
  expect([await toldTo(1), await now()]).toEqual([[null], null])
})

describe('a limit', () => {
  test('is told with each request of a batch counted', async () => {
    await limit('api_key', 'requests_per_minute = 3')
    const told = (remaining: number, resetMs: number) => ({
      requests: { limit: 3, remaining, resetMs },
      tokens: null,
    })
    expect(await now()).toEqual(told(3, 0))
    expect(await toldTo(4)).toEqual([
      told(2, 20_000),
      told(1, 40_000),
      told(0, 60_000),
      told(0, 60_000), // refused, and so not counted
    ])
    await at(25_000)
    expect(await now()).toEqual(told(1, 35_000))
    expect(await toldTo(1)).toEqual([told(0, 55_000)])
  })

  test('of tokens is told by what is held for', async () => {
    await limit('account', 'tokens_per_minute = 6000')
    expect(await toldTo(2, 2_500)).toEqual([
      { requests: null, tokens: { limit: 6_000, remaining: 3_500, resetMs: 25_000 } },
      { requests: null, tokens: { limit: 6_000, remaining: 1_000, resetMs: 50_000 } },
    ])
  })

  test.each([
    ['the key’s, where less is left of it', 5, 9, { limit: 5, remaining: 4, resetMs: 12_000 }],
    ['the account’s, where less is left of it', 9, 5, { limit: 5, remaining: 4, resetMs: 12_000 }],
  ])('is %s', async (_whose, ofKey, ofAccount, told) => {
    await limit('api_key', `requests_per_minute = ${ofKey}`)
    await limit('account', `requests_per_minute = ${ofAccount}`)
    expect(await toldTo(1)).toEqual([{ requests: told, tokens: null }])
    expect((await now())?.requests).toEqual(told)
  })

  test.each([
    ['requests_per_minute = 1', 1_000, 60_000n],
    ['requests_per_minute = 8', 1_000, 7_500n],
    ['tokens_per_minute = 6000', 1_500, 15_000n],
    ['tokens_per_minute = 100', 1_500, 60_000n], // larger than the limit: as the whole of it
  ])('%s that is used up refuses for as long as it takes, not longer', async (set, tokens, ms) => {
    await limit('api_key', set)
    let refused
    do refused = (await open(1, tokens))[0]!
    while (refused.verdict === 'admitted')
    expect(refused.retryAfterMs).toBe(ms)
    await at(Number(ms) - 2)
    expect((await open(1, tokens))[0]).toMatchObject({ retryAfterMs: 2n })
    await at(Number(ms))
    expect((await open(1, tokens))[0]).toMatchObject({ verdict: 'admitted' })
  })
})
