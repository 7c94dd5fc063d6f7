import { openLease, reconcile } from '@smartoken/prisma/ledger'
import { nanoUsd, usd } from '@smartoken/prisma/money'
import type { PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../../tests/support/holds.ts'
import { BillingUnavailable, LedgerCrowded } from './errors.ts'
import { giveBackUnknown } from './housekeeping.ts'
import { BatchingLedger } from './ledger.ts'

let database: TestDatabase
let account: TestAccount
let ledger: BatchingLedger
let epoch = 1n
const frozen: string[] = []

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
  ledger = new BatchingLedger({
    databaseUrl: database.url,
    epoch: () => epoch,
    leaseLost: async () => void (epoch = await openLease(database.pool, 'test')),
    freeze: (accountId) => frozen.push(accountId),
    clock: () => {},
    unanswered: () => {},
    sent: () => {},
  })
})
beforeEach(async () => {
  account = await createAccount(database.pool, { balance: '1' })
})
afterAll(async () => {
  ledger.close()
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

const ask = (over: Parameters<typeof holdOf>[1] = {}, of = account) => holdOf(of, over)

const wallet = async (of = account) =>
  (
    await database.pool.query('select posted, held, open_holds from wallet where account_id = $1', [
      of.accountId,
    ])
  ).rows[0]

/** Locks the wallet in a session of its own until it is unlocked. */
async function lock({ accountId }: TestAccount): Promise<() => Promise<void>> {
  const client: PoolClient = await database.pool.connect()
  await client.query('begin')
  await client.query('set local idle_in_transaction_session_timeout = 0')
  await client.query('select from wallet where account_id = $1 for update', [accountId])
  return async () => {
    await client.query('rollback')
    client.release()
  }
}

describe('calls of one moment', () => {
  test('are one batch: what arrives while one is in flight is the next', async () => {
    const accounts = await Promise.all(
      Array.from({ length: 10 }, () => createAccount(database.pool, { balance: '1' })),
    )
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        ledger.open(ask({ amount: usd('0.01') }, accounts[at % 10])),
      ),
    )
    expect(answers.map(({ verdict }) => verdict)).toEqual(answers.map(() => 'admitted'))
    // The first went at once, all others waited for it. A batch has one instant.
    expect(new Set(answers.map(({ clock }) => clock.getTime())).size).toBeLessThanOrEqual(2)
  })

  test('settle, renew and open together', async () => {
    const [first, second] = [ask(), ask()]
    await Promise.all([ledger.open(first), ledger.open(second)])
    const [settled, renewed, opened] = await Promise.all([
      ledger.settle(settlementOf(first, { due: usd('0.04') })),
      ledger.renew({ ...second, total: usd('0.3') }),
      ledger.open(ask()),
    ])
    expect(settled).toMatchObject({ outcome: 'settled', charge: usd('0.04') })
    expect(renewed).toMatchObject({ outcome: 'renewed', amount: usd('0.3') })
    expect(opened).toMatchObject({ verdict: 'admitted' })
    expect(await wallet()).toMatchObject({ posted: usd('0.96'), held: usd('0.4') })
  })

  test('of a crowd are no part of its neighbours’ batches', async () => {
    const neighbour = await createAccount(database.pool, { balance: '1' })
    const crowd = Array.from({ length: 300 }, () => ledger.open(ask({ amount: nanoUsd(1n) })))
    const [alone, ...crowded] = await Promise.all([ledger.open(ask({}, neighbour)), ...crowd])
    const together = crowded.filter(({ clock }) => clock.getTime() === alone.clock.getTime())
    // Ten of the crowd waited before it was one.
    expect(together.length).toBeLessThanOrEqual(10)
  })

  test('of one account, more than 2,000 of them, are too many', async () => {
    const unlock = await lock(account)
    const calls = Array.from({ length: 2_200 }, () => ledger.open(ask({ amount: nanoUsd(1n) })))
    const outcomes = await Promise.allSettled(calls)
    await unlock()
    const crowded = outcomes.filter(
      (outcome) => outcome.status === 'rejected' && outcome.reason instanceof LedgerCrowded,
    )
    // Some are in flight when the last come.
    expect(crowded.length).toBeGreaterThanOrEqual(50)
    expect(crowded.length).toBeLessThanOrEqual(200)
    await ledger.settle(settlementOf(ask(), { due: nanoUsd(0n) }))
  })
})

describe('a wallet that another session has locked', () => {
  test('delays its own calls and no others', async () => {
    const other = await createAccount(database.pool, { balance: '1' })
    const unlock = await lock(account)
    const order: string[] = []
    const waiting = ledger.open(ask()).then(() => order.push('locked'))
    for (let round = 0; round < 5; round += 1) {
      await ledger.open(ask({ amount: usd('0.01') }, other))
      order.push('other')
    }
    await unlock()
    await waiting
    expect(order).toEqual(['other', 'other', 'other', 'other', 'other', 'locked'])
  })

  test('for too long is billing that is unavailable, and holds nothing once it is free', async () => {
    const unlock = await lock(account)
    const asked = ask()
    await expect(ledger.open(asked)).rejects.toThrow(BillingUnavailable)
    expect(ledger.isLive(asked.requestId)).toBe(true)
    await unlock()
    while (ledger.isLive(asked.requestId)) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await wallet()).toEqual({ posted: usd('1'), held: 0n, open_holds: 0 })
    const { rows } = await database.pool.query(
      'select charge, error_code from request where id = $1',
      [asked.requestId],
    )
    expect(rows).toEqual([{ charge: 0n, error_code: 'billing_unavailable' }])
  })

  test('is settled once it is free', async () => {
    const hold = ask()
    await ledger.open(hold)
    const unlock = await lock(account)
    const settled = ledger.settle(settlementOf(hold))
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    await unlock()
    expect(await settled).toMatchObject({ outcome: 'settled', charge: usd('0.04') })
  })
})

describe('a row that cannot be booked', () => {
  test('is found by halving: its account is frozen, the rest of the batch is booked', async () => {
    const others = await Promise.all(
      Array.from({ length: 20 }, () => createAccount(database.pool, { balance: '1' })),
    )
    const holds = others.map((other) => ask({}, other))
    const bad = ask()
    await Promise.all([bad, ...holds].map((hold) => ledger.open(hold)))
    // The first goes alone; the others make a batch, with the bad one among them.
    const outcomes = await Promise.allSettled([
      ...holds.map((hold) => ledger.settle(settlementOf(hold))),
      ledger.settle(settlementOf(bad, { due: nanoUsd(-1n) })),
    ])
    const [refused, answers] = [outcomes.at(-1), outcomes.slice(0, -1)]
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('is negative') },
    })
    expect(answers).toEqual(
      holds.map(() => ({
        status: 'fulfilled',
        value: expect.objectContaining({ charge: usd('0.04') }),
      })),
    )
    expect(frozen).toEqual([account.accountId])
    await ledger.settle(settlementOf(bad))
  })
})

describe('a process that was taken for dead', () => {
  test('opens another lease and admits under it', async () => {
    const lost = epoch
    await database.pool.query('update lease set swept_at = now() where epoch = $1', [lost])
    expect(await ledger.open(ask())).toMatchObject({ verdict: 'admitted' })
    expect(epoch).not.toBe(lost)
  })
})

describe('a refusal', () => {
  test('for money stands half a second for as much or more, and not for less', async () => {
    const refused = await ledger.open(ask({ amount: usd('2') }))
    expect(refused).toMatchObject({ verdict: 'balance_too_low', room: usd('1') })
    const again = ask({ amount: usd('3') })
    // The instant is that of the first answer: nothing was asked.
    expect(await ledger.open(again)).toEqual({ ...refused, requestId: again.requestId })
    expect(await ledger.open(ask({ amount: usd('0.5') }))).toMatchObject({ verdict: 'admitted' })
  })

  test('of a revoked key stands, whatever is asked', async () => {
    await database.pool.query('update api_key set revoked_at = now() where id = $1', [
      account.apiKeyId,
    ])
    expect(await ledger.open(ask())).toMatchObject({ verdict: 'key_revoked' })
    await database.pool.query('update api_key set revoked_at = null where id = $1', [
      account.apiKeyId,
    ])
    expect(await ledger.open(ask({ amount: nanoUsd(1n) }))).toMatchObject({
      verdict: 'key_revoked',
    })
    await new Promise((resolve) => setTimeout(resolve, 510))
    expect(await ledger.open(ask())).toMatchObject({ verdict: 'admitted' })
  })
})

test('what is held for this process and unknown to it is given back', async () => {
  const known = ask()
  await ledger.open(known)
  const unknown = holdOf(account, { epoch })
  await database.pool.query('select * from hold_open($1)', [
    JSON.stringify([
      {
        request_id: unknown.requestId,
        account_id: account.accountId,
        api_key_id: account.apiKeyId,
        model_id: 'model',
        amount: '100',
        least: '100',
        tokens: 1,
        epoch: String(epoch),
        price_id: 'live',
        price_from: '2026-01-01',
        facts: {
          endpoint: '/v1/chat/completions',
          model_id: 'model',
          model_asked: 'model',
          stream: false,
          prompt_bytes: 1,
        },
      },
    ]),
  ])
  await giveBackUnknown(database.pool, ledger, epoch)
  expect(await wallet()).toMatchObject({ open_holds: 2 })
  await database.pool.query(`update hold set opened_at = opened_at - interval '11 seconds'`)
  await giveBackUnknown(database.pool, ledger, epoch)
  expect(await wallet()).toEqual({ posted: usd('1'), held: usd('0.1'), open_holds: 1 })
})
