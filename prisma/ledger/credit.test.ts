import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { usd } from '../money.ts'
import { credit, type Credit } from './credit.ts'
import { reconcile } from './reconcile.ts'

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

let orders = 0
const topUp = (over: Partial<Credit> = {}): Credit => ({
  ref: `order ${(orders += 1)}`,
  kind: 'top_up',
  source: 'cash_in:test',
  accountId: account.accountId,
  amount: usd('0.5'),
  withdrawable: true,
  ...over,
})

const lots = async ({ accountId } = account) =>
  (
    await database.pool.query(
      `select id, origin, amount, remaining, withdrawable from lot where account_id = $1 order by amount`,
      [accountId],
    )
  ).rows

const wallets = async (...accounts: TestAccount[]) =>
  (
    await database.pool.query<{ posted: bigint }>(
      `select posted from unnest($1::text[]) with ordinality as asked (id, place)
         join wallet on account_id = id order by place`,
      [accounts.map(({ accountId }) => accountId)],
    )
  ).rows.map(({ posted }) => posted)

describe('a credit', () => {
  test('is a lot named by what it was credited by', async () => {
    account = await createAccount(database.pool)
    const [answer] = await credit(database.pool, [topUp({ ref: 'an order', withdrawable: false })])
    // The first 26 hexadecimal digits of SHA-256(["an order", "top_up", "cash_in:test"]).
    expect(answer).toMatchObject({
      lotId: 'lot_00C26A8D30143FA43D0C09B23937',
      credited: true,
      posted: usd('0.5'),
    })
    expect(await lots()).toEqual([
      {
        id: answer!.lotId,
        origin: 'paid',
        amount: usd('0.5'),
        remaining: usd('0.5'),
        // What a customer paid in is theirs.
        withdrawable: true,
      },
    ])
  })

  test('of the house is withdrawable only if it says so', async () => {
    account = await createAccount(database.pool)
    const goodwill = { kind: 'adjustment', source: 'house', withdrawable: false } as const
    await credit(database.pool, [topUp(goodwill)])
    expect(await lots()).toMatchObject([{ origin: 'paid', withdrawable: false }])
  })

  test('replayed with other contents changes nothing, for whomever it is asked', async () => {
    account = await createAccount(database.pool)
    const other = await createAccount(database.pool)
    const first = topUp()
    await credit(database.pool, [first])
    const changed = [{ amount: usd('9') }, { accountId: other.accountId }, { accountId: 'nobody' }]
    for (const over of changed) {
      const [answer] = await credit(database.pool, [{ ...first, ...over }])
      expect(answer).toMatchObject({ credited: false })
    }
    expect(await wallets(account, other)).toEqual([usd('0.5'), 0n])
    expect(await lots()).toHaveLength(1)
    expect(
      (await database.pool.query(`select from wallet where account_id = 'nobody'`)).rows,
    ).toEqual([])
  })

  test('asked for two accounts by ten sessions at once is one account’s, once', async () => {
    account = await createAccount(database.pool)
    const other = await createAccount(database.pool)
    const first = topUp()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        credit(database.pool, [{ ...first, ...(at % 2 ? { accountId: other.accountId } : {}) }]),
      ),
    )
    expect(answers.flat().filter(({ credited }) => credited)).toHaveLength(1)
    const [one, two] = await wallets(account, other)
    expect([one! + two!, one! * two!]).toEqual([usd('0.5'), 0n])
  })

  test('is once where a batch has it twice, and the first one counts', async () => {
    account = await createAccount(database.pool)
    const [first, beside] = [topUp(), topUp({ amount: usd('0.25') })]
    const answers = await credit(database.pool, [first, beside, { ...first, amount: usd('9') }])
    expect(answers.map(({ credited }) => credited)).toEqual([true, true, false])
    expect(await wallets(account)).toEqual([usd('0.75')])
  })

  test('made before lots were named by their ref is not made again', async () => {
    account = await createAccount(database.pool)
    const first = topUp()
    await database.pool.query(
      `with lot as (insert into lot (id, account_id, origin, amount, remaining, withdrawable)
           values ('lot_00OLD', $1, 'paid', $2, $2, true)),
         moved as (insert into transfer (ref, kind, debit, credit, amount, account_id, at)
           values ($3, 'top_up', 'cash_in:test', 'lot_00OLD', $2, $1, now()))
       update wallet set posted = $2 where account_id = $1`,
      [account.accountId, first.amount, first.ref],
    )
    expect((await credit(database.pool, [first]))[0]).toMatchObject({ credited: false })
    expect(await wallets(account)).toEqual([usd('0.5')])
  })

  test.each([usd('0'), usd('-1')])('of %s nUSD is refused', async (amount) => {
    account = await createAccount(database.pool)
    await expect(credit(database.pool, [topUp({ amount })])).rejects.toThrow('amount_check')
  })
})
