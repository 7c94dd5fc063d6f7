import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { givePromo, lotsOf, spend, walletOf } from '../../tests/support/books.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { nanoUsd, usd } from '../money.ts'
import { openHolds } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { settleHolds } from './settle.ts'
import { withdraw } from './withdraw.ts'

let database: TestDatabase
let account: TestAccount
let paidLot: string

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

beforeEach(async () => {
  account = await createAccount(database.pool, { balance: '1' })
  const { rows } = await database.pool.query<{ id: string }>(
    'select id from lot where account_id = $1',
    [account.accountId],
  )
  paidLot = rows[0]!.id
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

const lots = () => lotsOf(database.pool, account)
const wallet = () => walletOf(database.pool, account)

let withdrawals = 0
const ask = (amount: bigint, over: { lotId?: string; ref?: string; accountId?: string } = {}) => ({
  ref: `withdrawal ${(withdrawals += 1)}`,
  lotId: paidLot,
  accountId: account.accountId,
  amount: nanoUsd(amount),
  channel: 'test',
  ...over,
})

const withdrawOne = async (...asked: Parameters<typeof ask>) =>
  (await withdraw(database.pool, [ask(...asked)]))[0]!

describe('a withdrawal', () => {
  test('takes a paid lot down, to the channel it leaves by', async () => {
    expect(await withdrawOne(usd('0.4'), { ref: 'the first' })).toMatchObject({
      outcome: 'withdrawn',
      amount: usd('0.4'),
    })
    expect(await lots()).toEqual({ paid: usd('0.6') })
    expect(await wallet()).toEqual({ posted: usd('0.6'), held: 0n })
    const { rows } = await database.pool.query(
      `select kind, debit, credit, amount from transfer where ref = 'the first'`,
    )
    expect(rows).toEqual([
      { kind: 'withdrawal', debit: paidLot, credit: 'cash_in:test', amount: usd('0.4') },
    ])
  })

  test('takes a lot to its last nano-dollar and no further', async () => {
    await givePromo(database.pool, account, { campaign: 'beside', amount: '0.2' })
    expect(await withdrawOne(usd('1') + 1n)).toMatchObject({
      outcome: 'too_much',
      amount: usd('1'),
    })
    expect(await withdrawOne(usd('1'))).toMatchObject({ outcome: 'withdrawn' })
    expect(await lots()).toEqual({ paid: 0n, beside: usd('0.2') })
    expect(await withdrawOne(1n)).toMatchObject({ outcome: 'too_much', amount: 0n })
  })

  test('leaves what a hold may need', async () => {
    const promo = await givePromo(database.pool, account, { campaign: 'gift', amount: '0.2' })
    const hold = holdOf(account, { amount: usd('0.5') })
    await openHolds(database.pool, [hold])
    expect(await withdrawOne(usd('0.7') + 1n)).toMatchObject({
      outcome: 'too_much',
      amount: usd('0.7'),
    })
    expect(await withdrawOne(usd('0.7'))).toMatchObject({ outcome: 'withdrawn' })
    expect(await withdrawOne(1n)).toMatchObject({ outcome: 'too_much', amount: 0n })
    await settleHolds(database.pool, [settlementOf(hold, { due: usd('0.5') })])
    expect(await wallet()).toEqual({ posted: 0n, held: 0n })
    expect(promo).toMatch(/^lot_00/)
  })

  test('of promo money only where its campaign allows it', async () => {
    const kept = await givePromo(database.pool, account, { campaign: 'kept', amount: '0.2' })
    const loose = await givePromo(database.pool, account, {
      campaign: 'loose',
      amount: '0.2',
      withdrawable: true,
    })
    expect(await withdrawOne(usd('0.1'), { lotId: kept })).toMatchObject({
      outcome: 'not_withdrawable',
      amount: 0n,
    })
    expect(await withdrawOne(usd('0.1'), { lotId: loose })).toMatchObject({ outcome: 'withdrawn' })
    expect(await lots()).toEqual({ paid: usd('1'), kept: usd('0.2'), loose: usd('0.1') })
  })

  test('of a lot of others, or of none, moves nothing', async () => {
    const other = await createAccount(database.pool, { balance: '1' })
    const [, mistaken] = await withdraw(database.pool, [
      ask(usd('2')),
      ask(usd('0.1'), { accountId: other.accountId }),
    ])
    expect(mistaken).toMatchObject({ outcome: 'not_withdrawable' })
    for (const over of [{ accountId: other.accountId }, { lotId: 'lot_none' }]) {
      expect(await withdrawOne(usd('0.1'), over)).toMatchObject({ outcome: 'not_withdrawable' })
    }
    expect(await wallet()).toMatchObject({ posted: usd('1') })
  })

  test('replayed, whatever it says then, or five times at once, is paid out once', async () => {
    const first = ask(usd('0.1'))
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => withdraw(database.pool, [first])),
    )
    expect(answers.flat().filter(({ outcome }) => outcome === 'withdrawn')).toHaveLength(1)
    const changed = { ...first, lotId: 'lot_none', amount: usd('0.5'), channel: 'other' }
    expect((await withdraw(database.pool, [changed, changed])).map(({ amount }) => amount)).toEqual(
      [usd('0.1'), usd('0.1')],
    )
    expect(await wallet()).toMatchObject({ posted: usd('0.9') })
  })

  test('five at once stay within the lot', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => withdrawOne(usd('0.3'))))
    expect(answers.filter(({ outcome }) => outcome === 'withdrawn')).toHaveLength(3)
    expect(await lots()).toEqual({ paid: usd('0.1') })
  })

  test('several in one batch are decided in order, a ref once', async () => {
    const first = ask(usd('0.4'))
    const answers = await withdraw(database.pool, [
      first,
      ask(usd('0.61')),
      ask(usd('0.5')),
      first,
      ask(usd('0.1')),
    ])
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      'withdrawn',
      'too_much',
      'withdrawn',
      'replayed',
      'withdrawn',
    ])
    expect(await lots()).toEqual({ paid: 0n })
  })

  test('of a frozen account waits', async () => {
    await database.pool.query(
      `update account set frozen_at = now(), frozen_reason = 'test' where id = $1`,
      [account.accountId],
    )
    expect(await withdrawOne(usd('0.1'))).toMatchObject({ outcome: 'account_frozen' })
  })

  test.each([0n, -1n])('of %s nUSD is refused', async (amount) => {
    await expect(withdrawOne(amount)).rejects.toThrow('not above zero')
  })

  test('does not take money that was spent', async () => {
    await spend(database.pool, account, '0.3')
    expect(await withdrawOne(usd('0.7') + 1n)).toMatchObject({ outcome: 'too_much' })
  })
})
