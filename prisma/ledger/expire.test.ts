import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { givePromo, lotsOf, walletOf } from '../../tests/support/books.ts'
import { setClock } from '../../tests/support/clock.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { usd } from '../money.ts'
import { expire } from './expire.ts'
import { openHolds } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { refund } from './refund.ts'
import { settleHolds } from './settle.ts'

const NOON = new Date('2027-01-01T12:00:00.000Z')
const BEFORE_NOON = new Date('2027-01-01T11:59:59.999Z')

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

beforeEach(async () => {
  await setClock(database.pool, BEFORE_NOON)
  account = await createAccount(database.pool)
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

const lots = () => lotsOf(database.pool, account)
const wallet = () => walletOf(database.pool, account)

const gift = (campaign: string, amount: string, expiresAt: Date | undefined = NOON) =>
  givePromo(database.pool, account, { campaign, amount, ...(expiresAt && { expiresAt }) })

async function hold(amount: string) {
  const asked = holdOf(account, { amount: usd(amount) })
  const [answer] = await openHolds(database.pool, [asked])
  expect(answer).toMatchObject({ verdict: 'admitted', amount: usd(amount) })
  return asked
}

const settle = (of: { requestId: string; accountId: string }, due: string) =>
  settleHolds(database.pool, [settlementOf(of, { due: usd(due) })])

const amounts = async () =>
  (await expire(database.pool)).flatMap(({ accountId, amount }) =>
    accountId === account.accountId ? [amount] : [],
  )

describe('promo money', () => {
  test('expires at its instant, not before, and is booked to breakage', async () => {
    const lot = await gift('gift', '0.3')
    expect(await amounts()).toEqual([])
    await setClock(database.pool, NOON)
    expect(await expire(database.pool)).toEqual([
      { lotId: lot, accountId: account.accountId, amount: usd('0.3'), clock: NOON },
    ])
    expect(await lots()).toEqual({ gift: 0n })
    expect(await wallet()).toEqual({ posted: 0n, held: 0n })
    const { rows } = await database.pool.query(
      `select kind, credit, amount, at from transfer where ref = $1`,
      [`${lot}:1`],
    )
    expect(rows).toEqual([{ kind: 'expiry', credit: 'breakage', amount: usd('0.3'), at: NOON }])
    expect(await amounts()).toEqual([])
  })

  test('that does not expire stays, and so does paid money', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await givePromo(database.pool, account, { campaign: 'open-ended', amount: '0.2' })
    await gift('later', '0.2', new Date(NOON.getTime() + 1))
    await gift('now', '0.2')
    await setClock(database.pool, NOON)
    expect(await amounts()).toEqual([usd('0.2')])
    expect(await lots()).toEqual({
      paid: usd('1'),
      'open-ended': usd('0.2'),
      later: usd('0.2'),
      now: 0n,
    })
  })

  test('that a hold may need stays until it is settled, to the last nano-dollar', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await gift('gift', '0.3')
    const held = await hold('1.1')
    await setClock(database.pool, NOON)
    expect(await amounts()).toEqual([usd('0.2')])
    expect(await wallet()).toEqual({ posted: usd('1.1'), held: usd('1.1') })
    expect(await amounts()).toEqual([])
    await settle(held, '0.000000001')
    expect(await lots()).toMatchObject({ gift: usd('0.1') - 1n })
    expect(await amounts()).toEqual([usd('0.1') - 1n])
    expect(await lots()).toEqual({ gift: 0n, paid: usd('1') })
  })

  test('of several lots goes the soonest to expire first', async () => {
    await gift('second', '0.3')
    await gift('first', '0.2', BEFORE_NOON)
    const held = await hold('0.1')
    await setClock(database.pool, NOON)
    expect((await amounts()).toSorted((one, other) => Number(one - other))).toEqual([
      usd('0.2'),
      usd('0.2'),
    ])
    expect(await lots()).toEqual({ first: 0n, second: usd('0.1') })
    await settle(held, '0.1')
  })

  test('expires once when five ask at once', async () => {
    await gift('gift', '0.3')
    await setClock(database.pool, NOON)
    const answers = await Promise.all(Array.from({ length: 5 }, amounts))
    expect(answers.flat()).toEqual([usd('0.3')])
    expect(await wallet()).toEqual({ posted: 0n, held: 0n })
  })

  test('given back after it expired expires again', async () => {
    await gift('gift', '0.3')
    const held = await hold('0.2')
    await settle(held, '0.2')
    await setClock(database.pool, NOON)
    expect(await amounts()).toEqual([usd('0.1')])
    for (const [name, amount] of [
      ['a', usd('0.15')],
      ['b', usd('0.05')],
    ] as const) {
      await refund(database.pool, [{ ...held, ref: `${held.requestId}:${name}`, amount }])
      expect(await amounts()).toEqual([amount])
    }
    expect(await lots()).toEqual({ gift: 0n })
  })

  test('of a locked wallet is left to the next run, and that of others is not', async () => {
    await gift('gift', '0.3')
    const other = await createAccount(database.pool, { balance: '1' })
    await givePromo(database.pool, other, { campaign: 'gift', amount: '0.1', expiresAt: NOON })
    await setClock(database.pool, NOON)
    const locker = await database.pool.connect()
    await locker.query('begin')
    await locker.query('select from wallet where account_id = $1 for update', [account.accountId])
    expect((await expire(database.pool)).map(({ accountId }) => accountId)).toEqual([
      other.accountId,
    ])
    await locker.query('rollback')
    locker.release()
    expect(await amounts()).toEqual([usd('0.3')])
  })

  test('whose wallet has nothing free does not hold up the lots behind it', async () => {
    await gift('gift', '0.1', BEFORE_NOON)
    const held = await hold('0.1')
    const other = await createAccount(database.pool)
    await givePromo(database.pool, other, { campaign: 'gift', amount: '0.1', expiresAt: NOON })
    await setClock(database.pool, NOON)
    expect((await expire(database.pool, { most: 1 })).map(({ accountId }) => accountId)).toEqual([
      other.accountId,
    ])
    await settle(held, '0.1')
  })
})
