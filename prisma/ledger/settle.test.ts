import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { nanoUsd, usd } from '../money.ts'
import { credit, type Credit } from './credit.ts'
import { openHolds } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { settleHolds, type Settlement } from './settle.ts'

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

async function hold(amount: string) {
  const asked = holdOf(account, { amount: usd(amount) })
  const [answer] = await openHolds(database.pool, [asked])
  expect(answer).toMatchObject({ verdict: 'admitted' })
  return asked
}

const settle = async (
  of: { requestId: string; accountId: string },
  over: Partial<Settlement> = {},
) => (await settleHolds(database.pool, [settlementOf(of, over)]))[0]!

const wallet = async () =>
  (
    await database.pool.query('select posted, held, open_holds from wallet where account_id = $1', [
      account.accountId,
    ])
  ).rows[0]

const grant = (over: Partial<Credit>) =>
  credit(database.pool, [
    {
      ref: `grant:${account.accountId}:${over.campaign}`,
      kind: 'promo',
      source: 'promo_expense',
      accountId: account.accountId,
      amount: usd('0.1'),
      withdrawable: false,
      ...over,
    },
  ])

/** What is left in the account's lots, by campaign; `paid` for paid money. */
async function lots(): Promise<Record<string, bigint>> {
  const { rows } = await database.pool.query<{ name: string; remaining: bigint }>(
    `select coalesce(campaign, 'paid') as name, remaining from lot where account_id = $1`,
    [account.accountId],
  )
  return Object.fromEntries(rows.map(({ name, remaining }) => [name, remaining]))
}

describe('settling', () => {
  test('charges what is due, gives back the rest of the hold and writes the request', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    expect(await settle(held)).toMatchObject({
      outcome: 'settled',
      charge: usd('0.04'),
      shortfall: 0n,
    })
    expect(await wallet()).toEqual({ posted: usd('0.96'), held: 0n, open_holds: 0 })
    const { rows } = await database.pool.query('select * from request where id = $1', [
      held.requestId,
    ])
    expect(rows).toEqual([
      expect.objectContaining({
        account_id: account.accountId,
        model_asked: 'model',
        prompt_bytes: 100,
        input_tokens: 10n,
        output_tokens: 5n,
        price_id: 'live',
        held: usd('0.1'),
        charge: usd('0.04'),
        cost: usd('0.03'),
        outcome: 'completed',
      }),
    ])
    const { rows: keys } = await database.pool.query(
      'select held, open_holds, spent_total, spent_daily, spent_monthly from api_key where id = $1',
      [account.apiKeyId],
    )
    expect(keys).toEqual([
      {
        held: 0n,
        open_holds: 0,
        spent_total: usd('0.04'),
        spent_daily: usd('0.04'),
        spent_monthly: usd('0.04'),
      },
    ])
  })

  test('twice, or five times at once, is settling once', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    const answers = await Promise.all(Array.from({ length: 5 }, () => settle(held)))
    expect(answers.map((answer) => answer.charge)).toEqual(
      Array.from({ length: 5 }, () => usd('0.04')),
    )
    expect(answers.filter(({ outcome }) => outcome === 'settled')).toHaveLength(1)
    expect(await settle(held, { due: usd('0.09') })).toMatchObject({
      outcome: 'replayed',
      charge: usd('0.04'),
    })
    expect(await wallet()).toEqual({ posted: usd('0.96'), held: 0n, open_holds: 0 })
  })

  test('is once where a batch has it twice', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    const answers = await settleHolds(database.pool, [settlementOf(held), settlementOf(held)])
    expect(answers.map(({ charge }) => charge)).toEqual([usd('0.04'), usd('0.04')])
    expect(await wallet()).toEqual({ posted: usd('0.96'), held: 0n, open_holds: 0 })
  })

  test('without a hold moves nothing', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    expect(await settle(holdOf(account))).toMatchObject({ outcome: 'no_hold', charge: null })
    expect(await wallet()).toEqual({ posted: usd('1'), held: 0n, open_holds: 0 })
  })

  test('of zero releases the hold and books no transfer', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    expect(await settle(held, { due: nanoUsd(0n) })).toMatchObject({
      outcome: 'settled',
      charge: 0n,
    })
    const { rows } = await database.pool.query('select from transfer where ref = $1', [
      held.requestId,
    ])
    expect(rows).toHaveLength(0)
  })

  test('above the hold takes what the wallet has free, and the house bears the rest', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const [over, beside] = [await hold('0.5'), await hold('0.3')]
    expect(await settle(over, { due: usd('0.9') })).toMatchObject({
      charge: usd('0.7'),
      shortfall: usd('0.2'),
    })
    expect(await wallet()).toEqual({ posted: usd('0.3'), held: usd('0.3'), open_holds: 1 })
    expect(await settle(beside, { due: usd('0.3') })).toMatchObject({
      charge: usd('0.3'),
      shortfall: 0n,
    })
    const { rows } = await database.pool.query(
      `select debit, credit, amount from transfer where ref = $1 and kind = 'shortfall'`,
      [over.requestId],
    )
    expect(rows).toEqual([{ debit: 'house', credit: 'revenue', amount: usd('0.2') }])
  })

  test('above the hold stays within the caps of its key', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await database.pool.query('update api_key set cap_total = 500000000 where id = $1', [
      account.apiKeyId,
    ])
    const [over, beside] = [await hold('0.1'), await hold('0.1')]
    expect(await settle(over, { due: usd('0.9') })).toMatchObject({
      charge: usd('0.4'),
      shortfall: usd('0.5'),
    })
    expect(await settle(beside, { due: usd('0.2') })).toMatchObject({ charge: usd('0.1') })
  })

  test('takes promo money first, the soonest to expire before others, and paid money last', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await grant({ campaign: 'open-ended' })
    await grant({ campaign: 'late', expiresAt: new Date('2027-06-01') })
    await grant({ campaign: 'soon', expiresAt: new Date('2027-01-01') })
    await settle(await hold('0.15'), { due: usd('0.15') })
    expect(await lots()).toEqual({
      soon: 0n,
      late: usd('0.05'),
      'open-ended': usd('0.1'),
      paid: usd('1'),
    })
    const held = await hold('0.2')
    await settle(held, { due: usd('0.2') })
    expect(await lots()).toEqual({ soon: 0n, late: 0n, 'open-ended': 0n, paid: usd('0.95') })
    const { rows } = await database.pool.query(
      `select amount from transfer where ref = $1 and kind = 'charge' order by amount`,
      [held.requestId],
    )
    expect(rows.map(({ amount }) => amount)).toEqual([usd('0.05'), usd('0.05'), usd('0.1')])
  })

  test('a batch of many charges over many lots takes each lot to the last nano-dollar', async () => {
    account = await createAccount(database.pool)
    for (const amount of ['0.000000007', '0.03', '0.000000001', '0.069999992']) {
      await grant({ campaign: `of ${amount}`, amount: usd(amount) })
    }
    const asked = Array.from({ length: 10 }, () => holdOf(account, { amount: usd('0.01') }))
    await openHolds(database.pool, asked)
    const answers = await settleHolds(
      database.pool,
      asked.map((one) => settlementOf(one, { due: usd('0.01') })),
    )
    expect(answers.map(({ charge }) => charge)).toEqual(asked.map(() => usd('0.01')))
    expect(await wallet()).toEqual({ posted: 0n, held: 0n, open_holds: 0 })
    expect(Object.values(await lots())).toEqual([0n, 0n, 0n, 0n])
  })

  test('gives back what a token limit counted and the request did not use', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await database.pool.query('update api_key set tokens_per_minute = 1500 where id = $1', [
      account.apiKeyId,
    ])
    const limited = () => openHolds(database.pool, [holdOf(account, { tokens: 1_000 })])
    const first = holdOf(account, { tokens: 1_000 })
    await openHolds(database.pool, [first])
    expect((await limited())[0]).toMatchObject({ verdict: 'tokens_limited' })
    await settle(first)
    expect((await limited())[0]).toMatchObject({ verdict: 'admitted' })
  })

  test('does not wait for a locked wallet unless told to', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    const locker = await database.pool.connect()
    await locker.query('begin')
    await locker.query('select from wallet where account_id = $1 for update', [account.accountId])
    const [answer] = await settleHolds(database.pool, [settlementOf(held)], { wait: false })
    await locker.query('rollback')
    locker.release()
    expect(answer).toMatchObject({ outcome: 'busy', charge: null })
    expect(await settle(held)).toMatchObject({ outcome: 'settled' })
  })
})

describe('the books', () => {
  test.each([
    ['a transfer cannot be changed', 'update transfer set amount = amount + 1'],
    ['a transfer cannot be deleted', 'delete from transfer'],
    ['the transfers cannot be truncated', 'truncate transfer'],
  ])('%s', async (_rule, statement) => {
    account = await createAccount(database.pool, { balance: '1' })
    await expect(database.pool.query(statement)).rejects.toThrow('append-only')
  })

  test('a transfer cannot be booked twice', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const held = await hold('0.1')
    await settle(held)
    await expect(
      database.pool.query('insert into transfer select * from transfer where ref = $1', [
        held.requestId,
      ]),
    ).rejects.toThrow('transfer_')
  })

  test.each([
    ['hold more than it has', 'update wallet set held = posted + 1 where account_id = $1'],
    ['go below zero', 'update wallet set posted = -1, held = -1 where account_id = $1'],
  ])('a wallet cannot %s', async (_rule, statement) => {
    account = await createAccount(database.pool, { balance: '1' })
    await expect(database.pool.query(statement, [account.accountId])).rejects.toThrow(
      'wallet_never_negative',
    )
  })

  test('one credit a ref, however often and from wherever it comes', async () => {
    account = await createAccount(database.pool)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => grant({ campaign: 'welcome' })),
    )
    expect(answers.flat().filter(({ credited }) => credited)).toHaveLength(1)
    expect(await wallet()).toMatchObject({ posted: usd('0.1') })
  })

  test.each([
    [
      'a lot',
      `update lot set remaining = remaining - 1 where account_id = $1`,
      ['lot = its transfers', 'wallet = its lots'],
    ],
    [
      'a wallet',
      'update wallet set posted = posted + 1 where account_id = $1',
      ['wallet = its lots'],
    ],
    [
      'what is held',
      'update wallet set held = held + 1 where account_id = $1',
      ['held = its open holds'],
    ],
    [
      'what a key has spent',
      'update api_key set spent_total = 1 where account_id = $1',
      ['key spent = its charges'],
    ],
    [
      'a charge',
      'update request set charge = charge + 1 where account_id = $1',
      ['request charge = its transfers', 'key spent = its charges'],
    ],
  ])('reconciling finds %s that is off by one', async (_what, statement, expected) => {
    account = await createAccount(database.pool, { balance: '1' })
    await settle(await hold('0.1'))
    const client = await database.pool.connect()
    await client.query('begin')
    await client.query(statement, [account.accountId])
    const breaks = await reconcile(client)
    await client.query('rollback')
    client.release()
    expect(breaks.map(({ check }) => check)).toEqual(expect.arrayContaining(expected))
  })
})
