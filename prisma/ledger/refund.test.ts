import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { givePromo, lotsOf, spend, walletOf } from '../../tests/support/books.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { nanoUsd, usd } from '../money.ts'
import { openHolds } from './hold.ts'
import { endLease, openLease } from './lease.ts'
import { reconcile } from './reconcile.ts'
import { refund } from './refund.ts'
import { renewHolds } from './renew.ts'
import { settleHolds } from './settle.ts'
import { sweep } from './sweep.ts'

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

beforeEach(async () => {
  account = await createAccount(database.pool, { balance: '1' })
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

const lots = () => lotsOf(database.pool, account)
const wallet = () => walletOf(database.pool, account)

const ask = (requestId: string, amount: bigint, name = 'support') => ({
  ref: `${requestId}:${name}`,
  requestId,
  accountId: account.accountId,
  amount: nanoUsd(amount),
})

const refundOne = async (...asked: Parameters<typeof ask>) =>
  (await refund(database.pool, [ask(...asked)]))[0]!

const refundedOf = async (requestId: string) =>
  (await database.pool.query('select charge, refunded from request where id = $1', [requestId]))
    .rows[0]

/** A request of $0.3 that took all of `first` ($0.1) and of `second` ($0.05), and $0.15 of paid money. */
async function mixedSpend(): Promise<string> {
  await givePromo(database.pool, account, {
    campaign: 'first',
    amount: '0.1',
    expiresAt: new Date('2999-01-01'),
  })
  await givePromo(database.pool, account, { campaign: 'second', amount: '0.05' })
  return spend(database.pool, account, '0.3')
}

describe('a refund', () => {
  test('goes to the lot taken last first, and to each at most what it gave', async () => {
    const requestId = await mixedSpend()
    expect(await lots()).toEqual({ first: 0n, second: 0n, paid: usd('0.85') })
    expect(await refundOne(requestId, usd('0.2') + 1n)).toMatchObject({
      outcome: 'refunded',
      refunded: usd('0.2') + 1n,
    })
    expect(await lots()).toEqual({ first: 1n, second: usd('0.05'), paid: usd('1') })
    expect(await wallet()).toEqual({ posted: usd('1.05') + 1n, held: 0n })
    expect(await refundedOf(requestId)).toEqual({
      charge: usd('0.3'),
      refunded: usd('0.2') + 1n,
    })
    const { rows } = await database.pool.query(
      `select debit, amount from transfer where ref = $1 and kind = 'refund' order by amount`,
      [`${requestId}:support`],
    )
    expect(rows).toEqual(
      [1n, usd('0.05'), usd('0.15')].map((amount) => ({ debit: 'revenue', amount })),
    )
  })

  test('in pieces gives each lot exactly what it gave, nano-dollar by nano-dollar', async () => {
    const requestId = await mixedSpend()
    const pieces = [1n, usd('0.15') - 2n, 2n, usd('0.05'), usd('0.1') - 2n, 1n]
    for (const [at, piece] of pieces.entries()) {
      expect(await refundOne(requestId, piece, `piece ${at}`)).toMatchObject({
        outcome: 'refunded',
      })
    }
    expect(await lots()).toEqual({ first: usd('0.1'), second: usd('0.05'), paid: usd('1') })
    expect(await refundOne(requestId, 1n, 'one more')).toMatchObject({ outcome: 'beyond_charge' })
  })

  test('of promo money does not become paid money when the lots were filled since', async () => {
    const requestId = await mixedSpend()
    const later = await spend(database.pool, account, '0.1')
    await refundOne(requestId, usd('0.3'))
    await refundOne(later, usd('0.1'))
    expect(await lots()).toEqual({ first: usd('0.1'), second: usd('0.05'), paid: usd('1') })
  })

  test('beyond the charge by a nano-dollar moves nothing', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    expect(await refundOne(requestId, usd('0.3') + 1n)).toMatchObject({
      outcome: 'beyond_charge',
      refunded: 0n,
    })
    expect(await wallet()).toMatchObject({ posted: usd('0.7') })
    expect(await refundOne(requestId, usd('0.3'))).toMatchObject({ outcome: 'refunded' })
    expect(await wallet()).toMatchObject({ posted: usd('1') })
  })

  test('replayed, also with another amount or five times at once, is given once', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => refundOne(requestId, usd('0.1'))),
    )
    expect(answers.filter(({ outcome }) => outcome === 'refunded')).toHaveLength(1)
    expect(answers.map(({ refunded }) => refunded)).toEqual(answers.map(() => usd('0.1')))
    expect(await refundOne(requestId, usd('9'))).toMatchObject({
      outcome: 'replayed',
      refunded: usd('0.1'),
    })
    expect(await wallet()).toMatchObject({ posted: usd('0.8') })
  })

  test('among promo lots goes to the one that expires last before the ones that expire sooner', async () => {
    for (const [campaign, year] of [
      ['soon', '2997'],
      ['late', '2998'],
    ] as const) {
      const expiresAt = new Date(`${year}-01-01`)
      await givePromo(database.pool, account, { campaign, amount: '0.1', expiresAt })
    }
    const requestId = await spend(database.pool, account, '0.2')
    await refundOne(requestId, usd('0.1') + 1n)
    expect(await lots()).toEqual({ soon: 1n, late: usd('0.1'), paid: usd('1') })
  })

  test('five of one request at once stay within its charge', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, at) => refundOne(requestId, usd('0.1'), `${at}`)),
    )
    expect(answers.filter(({ outcome }) => outcome === 'refunded')).toHaveLength(3)
    expect(await wallet()).toMatchObject({ posted: usd('1') })
  })

  test('several in one batch are decided in order', async () => {
    const [one, other] = [await mixedSpend(), await spend(database.pool, account, '0.2')]
    const answers = await refund(database.pool, [
      ask(one, usd('0.2'), 'a'),
      ask(other, usd('0.15'), 'a'),
      ask(one, usd('0.11'), 'b'),
      ask(one, usd('0.1'), 'c'),
      ask(one, usd('0.2'), 'a'),
      ask(other, usd('0.05'), 'b'),
    ])
    expect(answers.map(({ outcome }) => outcome)).toEqual([
      'refunded',
      'refunded',
      'beyond_charge',
      'refunded',
      'replayed',
      'refunded',
    ])
    expect(await lots()).toEqual({ first: usd('0.1'), second: usd('0.05'), paid: usd('1') })
  })

  test('of a request that is not, is of others, or is still open moves nothing', async () => {
    const hold = holdOf(account)
    await openHolds(database.pool, [hold])
    const other = await createAccount(database.pool, { balance: '1' })
    const foreign = await spend(database.pool, other, '0.3')
    const own = await spend(database.pool, other, '0.1')
    const [, mistaken] = await refund(database.pool, [
      { ...ask(own, 1n), accountId: other.accountId },
      ask(foreign, 1n),
    ])
    expect(mistaken).toMatchObject({ outcome: 'no_request' })
    for (const requestId of [hold.requestId, foreign, 'req_none']) {
      expect(await refundOne(requestId, usd('0.1'))).toMatchObject({
        outcome: 'no_request',
        refunded: 0n,
      })
    }
    expect(await wallet()).toMatchObject({ posted: usd('1') })
    await settleHolds(database.pool, [settlementOf(hold)])
  })

  test.each([
    ['of nothing', 0n, 'support'],
    ['below zero', -1n, 'support'],
  ])('%s is refused', async (_what, amount, name) => {
    const requestId = await spend(database.pool, account, '0.3')
    await expect(refundOne(requestId, amount, name)).rejects.toThrow('not above zero')
  })

  test('named after another request is refused', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    const named = { ...ask(requestId, 1n), ref: `${requestId}0:support` }
    await expect(refund(database.pool, [named])).rejects.toThrow('not one of a request')
  })

  test('leaves what a key has spent as it was', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    await refundOne(requestId, usd('0.3'))
    const { rows } = await database.pool.query('select spent_total from api_key where id = $1', [
      account.apiKeyId,
    ])
    expect(rows).toEqual([{ spent_total: usd('0.3') }])
  })
})

describe('a charge that is provisional', () => {
  /** A request given up at so much progress, with promo and paid money to take it from. */
  async function givenUp(progress: string) {
    await givePromo(database.pool, account, { campaign: 'first', amount: '0.1' })
    const epoch = await openLease(database.pool, 'gateway')
    const hold = holdOf(account, { epoch, amount: usd('0.3') })
    await openHolds(database.pool, [hold])
    const due = { due: usd(progress) }
    await renewHolds(database.pool, [
      { ...hold, total: hold.amount, progress: settlementOf(hold, due) },
    ])
    await endLease(database.pool, epoch)
    await sweep(database.pool)
    return hold
  }

  test('settled late for less gives the difference back, to the lots in reverse', async () => {
    const hold = await givenUp('0.3')
    expect(await lots()).toEqual({ first: 0n, paid: usd('0.8') })
    const [answer] = await settleHolds(database.pool, [settlementOf(hold, { due: usd('0.07') })])
    expect(answer).toMatchObject({ outcome: 'late', charge: usd('0.07'), shortfall: 0n })
    expect(await lots()).toEqual({ first: usd('0.03'), paid: usd('1') })
    expect(await refundedOf(hold.requestId)).toEqual({ charge: usd('0.07'), refunded: 0n })
    expect(await refundOne(hold.requestId, usd('0.07') + 1n)).toMatchObject({
      outcome: 'beyond_charge',
    })
    expect(await refundOne(hold.requestId, usd('0.07'))).toMatchObject({ outcome: 'refunded' })
    expect(await lots()).toEqual({ first: usd('0.1'), paid: usd('1') })
  })

  test('settled late for more gives back the later charge first', async () => {
    const hold = await givenUp('0.2')
    await givePromo(database.pool, account, { campaign: 'since', amount: '0.1' })
    await settleHolds(database.pool, [settlementOf(hold, { due: usd('0.25') })])
    expect(await lots()).toEqual({ first: 0n, since: usd('0.05'), paid: usd('0.9') })
    await refundOne(hold.requestId, usd('0.06'))
    expect(await lots()).toEqual({ first: 0n, since: usd('0.1'), paid: usd('0.91') })
  })

  test('is refunded only once its process can no longer settle it, and then it cannot', async () => {
    const hold = await givenUp('0.2')
    expect(await refundOne(hold.requestId, usd('0.2'))).toMatchObject({ outcome: 'not_final' })
    const age = (interval: string) =>
      database.pool.query(`update request set finished_at = finished_at + $2 where id = $1`, [
        hold.requestId,
        interval,
      ])
    await age('-10 minutes')
    expect(await refundOne(hold.requestId, usd('0.2'))).toMatchObject({ outcome: 'refunded' })
    await age('10 minutes')
    const [answer] = await settleHolds(database.pool, [settlementOf(hold, { due: usd('0.3') })])
    expect(answer).toMatchObject({ outcome: 'replayed', charge: usd('0.2') })
    expect(await wallet()).toMatchObject({ posted: usd('1.1') })
  })

  test('keeps the name `late` for itself', async () => {
    const requestId = await spend(database.pool, account, '0.3')
    expect(await refundOne(requestId, usd('0.1'), 'late')).toMatchObject({ outcome: 'not_final' })
  })
})
