import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds } from '../../tests/support/holds.ts'
import { newId } from '../ids.ts'
import { nanoUsd, usd } from '../money.ts'

import { openHolds } from './hold.ts'
import { reconcile } from './reconcile.ts'

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

const open = async (over: Parameters<typeof holdOf>[1] = {}) =>
  (await openHolds(database.pool, [holdOf(account, over)]))[0]!

const change = (table: 'api_key' | 'account', set: string) =>
  database.pool.query(`update ${table} set ${set} where id = $1`, [
    table === 'account' ? account.accountId : account.apiKeyId,
  ])

describe('a hold', () => {
  test('takes the amount from what is available and leaves what is posted', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    expect(await open({ amount: usd('0.4') })).toMatchObject({
      verdict: 'admitted',
      amount: usd('0.4'),
    })
    const { rows } = await database.pool.query(
      'select posted, held, open_holds from wallet where account_id = $1',
      [account.accountId],
    )
    expect(rows).toEqual([{ posted: usd('1'), held: usd('0.4'), open_holds: 1 }])
  })

  test('is opened once, however often its request id is replayed', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const hold = holdOf(account, { amount: usd('0.4') })
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => openHolds(database.pool, [hold])),
    )
    expect(answers.flat().map(({ verdict, amount }) => [verdict, amount])).toEqual(
      Array.from({ length: 5 }, () => ['admitted', usd('0.4')]),
    )
    const { rows } = await database.pool.query('select held from wallet where account_id = $1', [
      account.accountId,
    ])
    expect(rows).toEqual([{ held: usd('0.4') }])
  })

  test('is opened once where its batch has it twice', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const hold = holdOf(account, { amount: usd('0.4') })
    const answers = await openHolds(database.pool, [hold, holdOf(account), hold])
    const amounts = new Map(answers.map(({ requestId, amount }) => [requestId, amount]))
    expect(answers.map(({ verdict }) => verdict)).toEqual(['admitted', 'admitted', 'admitted'])
    expect(amounts.get(hold.requestId)).toBe(usd('0.4'))
    const { rows } = await database.pool.query(
      'select held, open_holds from wallet where account_id = $1',
      [account.accountId],
    )
    expect(rows).toEqual([{ held: usd('0.5'), open_holds: 2 }])
  })

  test('holds what is left where that is enough, and says what could be held where it is not', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    expect(await open({ amount: usd('3'), least: usd('0.7') })).toMatchObject({
      verdict: 'admitted',
      amount: usd('1'),
    })
    account = await createAccount(database.pool, { balance: '1' })
    expect(await open({ amount: usd('3'), least: usd('1.000000001') })).toMatchObject({
      verdict: 'balance_too_low',
      room: usd('1'),
    })
  })

  test('of one batch never exceed the wallet together', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const answers = await openHolds(
      database.pool,
      Array.from({ length: 40 }, () => holdOf(account, { amount: usd('0.1') })),
    )
    expect(answers.filter(({ verdict }) => verdict === 'admitted')).toHaveLength(10)
    expect(answers.filter(({ verdict }) => verdict === 'balance_too_low')).toHaveLength(30)
  })

  test('of sessions at once never exceed the wallet, and none of them fails', async () => {
    for (let round = 0; round < 30; round += 1) {
      account = await createAccount(database.pool, { balance: '0.3' })
      const sessions = Array.from({ length: 10 }, () => open({ amount: usd('0.1') }))
      const verdicts = (await Promise.all(sessions)).map(({ verdict }) => verdict)
      expect(verdicts.toSorted()).toEqual([
        ...Array.from({ length: 3 }, () => 'admitted'),
        ...Array.from({ length: 7 }, () => 'balance_too_low'),
      ])
    }
  })

  test('of several accounts in one batch are decided apart', async () => {
    const rich = await createAccount(database.pool, { balance: '1' })
    const poor = await createAccount(database.pool)
    const asked = [rich, poor, rich].map((one) => holdOf(one, { amount: usd('0.1') }))
    const answers = await openHolds(database.pool, asked)
    const verdictOf = new Map(answers.map(({ requestId, verdict }) => [requestId, verdict]))
    expect(asked.map(({ requestId }) => verdictOf.get(requestId))).toEqual([
      'admitted',
      'balance_too_low',
      'admitted',
    ])
  })

  test.each([
    ['key_revoked', () => change('api_key', 'revoked_at = now()')],
    ['key_expired', () => change('api_key', 'expires_at = now()')],
    ['account_frozen', () => change('account', `frozen_at = now(), frozen_reason = 'test'`)],
    ['model_not_allowed', () => change('api_key', `models = '{other}'`)],
    ['cap_reached', () => change('api_key', 'cap_total = 99999999')],
    ['cap_reached', () => change('api_key', 'cap_daily = 99999999')],
    ['cap_reached', () => change('api_key', 'cap_monthly = 99999999')],
  ])('is refused as %s', async (verdict, arrange) => {
    account = await createAccount(database.pool, { balance: '1' })
    await arrange()
    expect(await open({ amount: usd('0.1') })).toMatchObject({ verdict })
  })

  test('counts what a key holds open against its cap, not only what it has spent', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    await change('api_key', 'cap_total = 150000000')
    expect(await open({ amount: usd('0.1') })).toMatchObject({ verdict: 'admitted' })
    expect(await open({ amount: usd('0.1') })).toMatchObject({
      verdict: 'cap_reached',
      room: usd('0.05'),
    })
  })

  test('is refused for a key of another account, as for one that does not exist', async () => {
    const [one, other] = [
      await createAccount(database.pool, { balance: '1' }),
      await createAccount(database.pool),
    ]
    account = { ...one, apiKeyId: other.apiKeyId }
    expect(await open()).toMatchObject({ verdict: 'key_unknown' })
    account = { ...one, apiKeyId: newId('apiKey') }
    expect(await open()).toMatchObject({ verdict: 'key_unknown' })
  })

  test.each([
    ['has ended', { priceId: 'ended' }],
    ['is unknown', { priceId: 'none' }],
    ['is of another model', { modelId: 'other' }],
    ['is quoted for later', { priceFrom: new Date(Date.now() + 60_000) }],
    ['was quoted for a window that is over', { priceUntil: new Date(Date.now() - 60_000) }],
  ])('is refused when its price %s', async (_case, over) => {
    account = await createAccount(database.pool, { balance: '1' })
    expect(await open(over)).toMatchObject({ verdict: 'price_changed' })
  })

  test.each([
    ['requests of a key', 'api_key', 'requests_per_minute = 3', 'requests_limited'],
    ['requests of an account', 'account', 'requests_per_minute = 3', 'requests_limited'],
    ['tokens of a key', 'api_key', 'tokens_per_minute = 3500', 'tokens_limited'],
    ['tokens of an account', 'account', 'tokens_per_minute = 3500', 'tokens_limited'],
    ['open requests of a key', 'api_key', 'concurrent_requests = 3', 'concurrency_limited'],
    ['open requests of an account', 'account', 'concurrent_requests = 3', 'concurrency_limited'],
  ] as const)(
    'is limited by %s, in one batch as in several',
    async (_name, table, set, verdict) => {
      account = await createAccount(database.pool, { balance: '1' })
      await change(table, set)
      const small = () => holdOf(account, { amount: nanoUsd(10n), tokens: 1_000 })
      const answers = [
        ...(await openHolds(database.pool, [small()])),
        ...(await openHolds(database.pool, Array.from({ length: 4 }, small))),
        ...(await openHolds(database.pool, [small()])),
      ]
      expect(answers.map((answer) => answer.verdict)).toEqual([
        'admitted',
        'admitted',
        'admitted',
        verdict,
        verdict,
        verdict,
      ])
      expect(answers.at(-1)!.retryAfterMs).toBeGreaterThan(0n)
    },
  )

  test('does not wait for a locked wallet unless told to, and lets the others through', async () => {
    account = await createAccount(database.pool, { balance: '1' })
    const other = await createAccount(database.pool, { balance: '1' })
    const locker = await database.pool.connect()
    await locker.query('begin')
    await locker.query('select from wallet where account_id = $1 for update', [account.accountId])
    const holds = [holdOf(account), holdOf(other)]
    const answers = await openHolds(database.pool, holds, { wait: false })
    await locker.query('rollback')
    locker.release()
    expect(new Map(answers.map(({ requestId, verdict }) => [requestId, verdict]))).toEqual(
      new Map([
        [holds[0]!.requestId, 'busy'],
        [holds[1]!.requestId, 'admitted'],
      ]),
    )
  })
})
