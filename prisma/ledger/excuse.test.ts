import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { usd } from '../money.ts'
import { openHolds } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { settleHolds } from './settle.ts'

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

/** Requests of these dues, all opened at once and settled in one batch. */
async function settleAll(dues: readonly string[], excusable: boolean) {
  const holds = dues.map((due) => holdOf(account, { amount: usd(due) }))
  await openHolds(database.pool, holds)
  const answers = await settleHolds(
    database.pool,
    holds.map((hold) =>
      settlementOf(hold, { due: hold.amount, excusable, outcome: 'upstream_broke' }),
    ),
  )
  return answers.map(({ charge, excused }) => ({ charge, excused }))
}

test('what an upstream broke off is excused up to a dollar a day, and counted beyond it', async () => {
  account = await createAccount(database.pool, { balance: '10' })
  expect(await settleAll(['0.4', '0.4'], true)).toEqual([
    { charge: 0n, excused: usd('0.4') },
    { charge: 0n, excused: usd('0.4') },
  ])
  expect(await settleAll(['0.4'], true)).toEqual([{ charge: usd('0.2'), excused: usd('0.2') }])
  expect(await settleAll(['0.4'], true)).toEqual([{ charge: usd('0.4'), excused: 0n }])
})

test('who spends much is excused 3 % of it', async () => {
  account = await createAccount(database.pool, { balance: '100' })
  await settleAll(['50'], false)
  expect(await settleAll(['1.5'], true)).toEqual([{ charge: 0n, excused: usd('1.5') }])
  expect(await settleAll(['0.1'], true)).toEqual([{ charge: usd('0.1'), excused: 0n }])
})

test('a new day begins anew', async () => {
  account = await createAccount(database.pool, { balance: '10' })
  await settleAll(['1'], true)
  await database.pool.query('update wallet set spent_on = spent_on - 1 where account_id = $1', [
    account.accountId,
  ])
  expect(await settleAll(['1'], true)).toEqual([{ charge: 0n, excused: usd('1') }])
})
