import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { usd } from '../money.ts'
import { openHolds, type HoldRequest } from './hold.ts'
import { endLease, openLease, renewLease } from './lease.ts'
import { reconcile } from './reconcile.ts'
import { renewHolds } from './renew.ts'
import { settleHolds, type Settlement } from './settle.ts'
import { sweep } from './sweep.ts'

let database: TestDatabase
let account: TestAccount
let epoch: bigint

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})

beforeEach(async () => {
  account = await createAccount(database.pool, { balance: '1' })
  epoch = await openLease(database.pool, 'gateway')
})

afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

/** A hold of $0.10 by the process under test, with progress if a due is given. */
async function open(progress?: string): Promise<HoldRequest> {
  const hold = holdOf(account, { epoch })
  await openHolds(database.pool, [hold])
  if (progress) {
    await renewHolds(database.pool, [
      {
        ...hold,
        total: hold.amount,
        progress: settlementOf(hold, { due: usd(progress), outcome: 'client_left' }),
      },
    ])
  }
  return hold
}

/** Its last heartbeat is longer ago than a lease. */
const fallSilent = () =>
  database.pool.query(
    `update lease set heartbeat_at = heartbeat_at - interval '61 seconds' where epoch = $1`,
    [epoch],
  )

const settle = async (hold: HoldRequest, over: Partial<Settlement> = {}) =>
  (await settleHolds(database.pool, [settlementOf(hold, over)]))[0]!

const row = async ({ requestId }: HoldRequest) =>
  (await database.pool.query('select * from request where id = $1', [requestId])).rows[0]

const posted = async () =>
  (
    await database.pool.query<{ posted: bigint }>(
      'select posted from wallet where account_id = $1',
      [account.accountId],
    )
  ).rows[0]!.posted

describe('the sweeper', () => {
  test('leaves alone whoever was heard of within a lease', async () => {
    await open('0.02')
    expect(await sweep(database.pool)).toEqual({ epochs: 0n, requests: 0n })
  })

  test('settles what a dead process held at its last progress, or at nothing', async () => {
    const [known, unknown] = [await open('0.02'), await open()]
    await fallSilent()
    expect(await sweep(database.pool)).toEqual({ epochs: 1n, requests: 2n })
    expect(await row(known)).toMatchObject({
      charge: usd('0.02'),
      outcome: 'gateway_lost',
      provisional: true,
      output_tokens: 5n,
    })
    expect(await row(unknown)).toMatchObject({ charge: 0n, usage_source: 'none', status: 500 })
    expect(await posted()).toBe(usd('0.98'))
    expect(await sweep(database.pool)).toEqual({ epochs: 0n, requests: 0n })
  })

  test('settles what a process left that ended by itself', async () => {
    const hold = await open('0.02')
    await endLease(database.pool, epoch)
    expect(await sweep(database.pool)).toEqual({ epochs: 0n, requests: 1n })
    expect(await row(hold)).toMatchObject({ charge: usd('0.02') })
  })

  test('passes over a wallet that is locked, and comes back to it', async () => {
    const hold = await open('0.02')
    await fallSilent()
    const locker = await database.pool.connect()
    await locker.query('begin')
    await locker.query('select from wallet where account_id = $1 for update', [account.accountId])
    expect(await sweep(database.pool)).toEqual({ epochs: 1n, requests: 0n })
    await locker.query('rollback')
    locker.release()
    expect(await sweep(database.pool)).toEqual({ epochs: 0n, requests: 1n })
    expect(await row(hold)).toMatchObject({ charge: usd('0.02') })
  })

  test('freezes the account of a hold that cannot be booked, and settles the others', async () => {
    const good = await open('0.02')
    const owner = account
    account = await createAccount(database.pool, { balance: '1' })
    const bad = await open('0.02')
    await database.pool.query(
      `update hold set progress = progress || '{"due": -5}' where request_id = $1`,
      [bad.requestId],
    )
    await fallSilent()
    expect(await sweep(database.pool)).toEqual({ epochs: 1n, requests: 1n })
    expect(await row(good)).toMatchObject({ charge: usd('0.02') })
    const { rows } = await database.pool.query(
      'select id, frozen_reason from account where id = any ($1) and frozen_at is not null',
      [[owner.accountId, account.accountId]],
    )
    expect(rows).toEqual([
      { id: account.accountId, frozen_reason: expect.stringContaining('is negative') },
    ])
    await database.pool.query('update hold set progress = null where request_id = $1', [
      bad.requestId,
    ])
    await sweep(database.pool)
  })

  test('is one at a time', async () => {
    await open('0.02')
    await fallSilent()
    const other = await database.pool.connect()
    await other.query('begin')
    await other.query(`select pg_advisory_xact_lock(hashtext('sweep'))`)
    expect(await sweep(database.pool)).toEqual({ epochs: 0n, requests: 0n })
    await other.query('rollback')
    other.release()
    expect(await sweep(database.pool)).toEqual({ epochs: 1n, requests: 1n })
  })
})

describe('a process that was given up and is not dead', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['silent', fallSilent],
    ['ended', () => endLease(database.pool, epoch)],
  ])('has lost its lease and opens nothing: %s', async (_how, go) => {
    await go()
    await sweep(database.pool)
    expect(await renewLease(database.pool, epoch)).toBe(false)
    const [answer] = await openHolds(database.pool, [holdOf(account, { epoch })])
    expect(answer).toMatchObject({ verdict: 'lease_lost', amount: 0n })
  })

  test.each([
    ['more', '0.05', { charge: usd('0.05'), refunded: 0n, shortfall: 0n }],
    ['the same', '0.02', { charge: usd('0.02'), refunded: 0n, shortfall: 0n }],
    ['less', '0.005', { charge: usd('0.005'), refunded: 0n, shortfall: 0n }],
    ['nothing', '0', { charge: 0n, refunded: 0n, shortfall: 0n }],
    ['more than there is', '1.5', { charge: usd('1'), refunded: 0n, shortfall: usd('0.5') }],
  ])('settles late, once, for %s', async (_what, due, expected) => {
    const hold = await open('0.02')
    await fallSilent()
    await sweep(database.pool)
    expect(await settle(hold, { due: usd(due), outcome: 'completed' })).toMatchObject({
      outcome: 'late',
      charge: expected.charge,
    })
    expect(await row(hold)).toMatchObject({ ...expected, outcome: 'completed', provisional: false })
    expect(await posted()).toBe(usd('1') - expected.charge)
    expect(await settle(hold, { due: usd('0.09') })).toMatchObject({
      outcome: 'replayed',
      charge: expected.charge,
    })
  })

  test('is told to come back while its wallet is locked, not that it has settled before', async () => {
    const hold = await open('0.02')
    await fallSilent()
    await sweep(database.pool)
    const settlement = settlementOf(hold, { due: usd('0.05') })
    const attempt = async () => (await settleHolds(database.pool, [settlement], { wait: false }))[0]
    const locker = await database.pool.connect()
    await locker.query('begin')
    await locker.query('select from wallet where account_id = $1 for update', [account.accountId])
    expect(await attempt()).toMatchObject({ outcome: 'busy' })
    await locker.query('rollback')
    locker.release()
    expect(await attempt()).toMatchObject({ outcome: 'late', charge: usd('0.05') })
  })

  test('settles late within the caps of its key', async () => {
    const hold = await open('0.02')
    await fallSilent()
    await sweep(database.pool)
    await database.pool.query('update api_key set cap_total = 30000000 where id = $1', [
      account.apiKeyId,
    ])
    expect(await settle(hold, { due: usd('0.05') })).toMatchObject({
      outcome: 'late',
      charge: usd('0.03'),
      shortfall: usd('0.02'),
    })
  })

  test('settles late within ten minutes, not after', async () => {
    const hold = await open('0.02')
    await fallSilent()
    await sweep(database.pool)
    await database.pool.query(
      `update request set finished_at = finished_at - interval '10 minutes' where id = $1`,
      [hold.requestId],
    )
    expect(await settle(hold, { due: usd('0.05') })).toMatchObject({
      outcome: 'replayed',
      charge: usd('0.02'),
    })
  })
})
