import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { usd } from '../money.ts'
import { openHolds, type HoldRequest } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { renewHolds, type Renewal } from './renew.ts'
import { settleHolds } from './settle.ts'

let database: TestDatabase
let account: TestAccount
let hold: HoldRequest

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

/** A hold of $0.10 on a wallet of $1. */
async function open(over: Partial<HoldRequest> = {}): Promise<void> {
  account = await createAccount(database.pool, { balance: '1' })
  hold = holdOf(account, over)
  await openHolds(database.pool, [hold])
}

const renewalOf = (total: string, over: Partial<Renewal> = {}): Renewal => ({
  requestId: hold.requestId,
  accountId: account.accountId,
  total: usd(total),
  tokens: 1_000,
  ...over,
})

const renew = async (total: string, over: Partial<Renewal> = {}) =>
  (await renewHolds(database.pool, [renewalOf(total, over)]))[0]!

const held = async () =>
  (
    await database.pool.query<{ wallet: bigint; key: bigint; hold: bigint }>(
      `select wallet.held as wallet, api_key.held as key, hold.amount as hold
         from wallet join api_key using (account_id) join hold using (account_id) where account_id = $1`,
      [account.accountId],
    )
  ).rows[0]

describe('a hold that goes on', () => {
  test('is raised to a total, in wallet, key and hold, however often it is asked', async () => {
    await open()
    const answers = await Promise.all(Array.from({ length: 5 }, () => renew('0.3')))
    expect(answers.map(({ outcome, amount }) => [outcome, amount])).toEqual(
      Array.from({ length: 5 }, () => ['renewed', usd('0.3')]),
    )
    expect(await held()).toEqual({ wallet: usd('0.3'), key: usd('0.3'), hold: usd('0.3') })
  })

  test('is never lowered', async () => {
    await open()
    expect(await renew('0.05')).toMatchObject({ outcome: 'renewed', amount: usd('0.1') })
  })

  test('gets what there is where there is not enough', async () => {
    await open()
    await openHolds(database.pool, [holdOf(account, { amount: usd('0.7') })])
    expect(await renew('0.5')).toMatchObject({ outcome: 'short', amount: usd('0.3') })
    expect(await renew('0.5')).toMatchObject({ outcome: 'short', amount: usd('0.3') })
  })

  test('shares a wallet with the others of its batch to the last nano-dollar', async () => {
    await open()
    const other = holdOf(account)
    await openHolds(database.pool, [other])
    const answers = await renewHolds(database.pool, [
      renewalOf('0.6'),
      renewalOf('0.6', { requestId: other.requestId }),
      renewalOf('0.55'),
    ])
    const amounts = new Map(answers.map(({ requestId, amount }) => [requestId, amount!]))
    expect(new Set(amounts.values())).toEqual(new Set([usd('0.4'), usd('0.6')]))
  })

  test.each([
    ['a cap of its key', 'update api_key set cap_total = 250000000 where account_id = $1', '0.25'],
    ['a revoked key', `update api_key set revoked_at = now() where account_id = $1`, '0.1'],
    [
      'a frozen account',
      `update account set frozen_at = now(), frozen_reason = 'test' where id = $1`,
      '0.1',
    ],
  ])('stays within %s', async (_what, statement, most) => {
    await open()
    await database.pool.query(statement, [account.accountId])
    expect(await renew('0.3')).toMatchObject({ outcome: 'short', amount: usd(most) })
  })

  test('counts its further tokens against the token limits, once', async () => {
    await open()
    await database.pool.query(
      `update api_key set tokens_per_minute = 6000, tokens_at = now() where account_id = $1`,
      [account.accountId],
    )
    for (let times = 0; times < 3; times += 1) await renew('0.2', { tokens: 6_000 })
    const [answer] = await openHolds(database.pool, [holdOf(account, { tokens: 2_000 })])
    expect(answer).toMatchObject({ verdict: 'tokens_limited' })
    const [smaller] = await openHolds(database.pool, [holdOf(account, { tokens: 900 })])
    expect(smaller).toMatchObject({ verdict: 'admitted' })
  })

  test('that is not there is not renewed', async () => {
    await open()
    await settleHolds(database.pool, [settlementOf(hold)])
    expect(await renew('0.3')).toMatchObject({ outcome: 'no_hold', amount: null })
  })

  test('keeps the progress of the largest due', async () => {
    await open()
    const progress = (due: string) => ({ progress: settlementOf(hold, { due: usd(due) }) })
    await renew('0.1', progress('0.02'))
    await renew('0.1')
    await renew('0.1', progress('0.01'))
    const { rows } = await database.pool.query('select progress from hold where request_id = $1', [
      hold.requestId,
    ])
    expect(rows).toEqual([{ progress: expect.objectContaining({ due: '20000000' }) }])
  })
})
