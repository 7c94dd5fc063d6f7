import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../../tests/support/accounts.ts'
import { setClock } from '../../tests/support/clock.ts'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { holdOf, prepareHolds, settlementOf } from '../../tests/support/holds.ts'
import { nanoUsd, usd } from '../money.ts'
import { openHolds, type HoldRequest } from './hold.ts'
import { reconcile } from './reconcile.ts'
import { settleHolds, type Settlement } from './settle.ts'

const NOON = Date.parse('2026-11-25T12:00:00Z')
const HOUR_MS = 3_600_000

let database: TestDatabase
let account: TestAccount

beforeAll(async () => {
  database = await createDatabase()
  await prepareHolds(database.pool)
})
beforeEach(async () => {
  await setClock(database.pool, new Date(NOON))
  account = await createAccount(database.pool, { balance: '10' })
})
afterAll(async () => {
  expect(await reconcile(database.pool)).toEqual([])
  await database.drop()
})

const asked = (over: Partial<HoldRequest> = {}) =>
  holdOf(account, { idempotencyKey: 'order-1', ...over })

const open = async (hold: HoldRequest) => (await openHolds(database.pool, [hold]))[0]!

const ends = (hold: HoldRequest, over: Partial<Settlement>) =>
  settleHolds(database.pool, [settlementOf(hold, over)])

const usedBy = (first: HoldRequest) => ({
  verdict: 'idempotency_key_used',
  amount: 0n,
  firstRequestId: first.requestId,
})

describe('a key once used', () => {
  test('is refused while the first request runs, and names it', async () => {
    const first = asked()
    expect(await open(first)).toMatchObject({ verdict: 'admitted', firstRequestId: null })
    expect(await open(asked())).toMatchObject(usedBy(first))
    await ends(first, {})
  })

  test('admits the first request as often as it is replayed', async () => {
    const first = asked()
    for (let times = 0; times < 3; times += 1)
      expect(await open(first)).toMatchObject({ verdict: 'admitted', amount: first.amount })
    await ends(first, {})
    expect(await open(first)).toMatchObject({ verdict: 'admitted' })
  })

  test('is refused within one batch, too', async () => {
    const holds = [asked(), asked(), asked({ idempotencyKey: 'order-2' })]
    const answers = await openHolds(database.pool, holds)
    const verdictOf = new Map(answers.map(({ requestId, verdict }) => [requestId, verdict]))
    expect(holds.map(({ requestId }) => verdictOf.get(requestId))).toEqual([
      'admitted',
      'idempotency_key_used',
      'admitted',
    ])
    for (const hold of holds) await ends(hold, {})
  })

  test('is decided once where many sessions ask at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const holds = Array.from({ length: 8 }, () => asked({ idempotencyKey: `round-${round}` }))
      const answers = await Promise.all(holds.map(open))
      const admitted = answers.filter(({ verdict }) => verdict === 'admitted')
      expect(admitted).toHaveLength(1)
      const [first] = admitted
      expect(answers.filter((answer) => answer.firstRequestId === first!.requestId)).toHaveLength(7)
      await ends(
        holds.find(({ requestId }) => requestId === first!.requestId)!,
        {},
      )
    }
  })

  test('says nothing to another account', async () => {
    const first = asked()
    await open(first)
    const other = await createAccount(database.pool, { balance: '1' })
    const hold = holdOf(other, { idempotencyKey: 'order-1' })
    expect(await open(hold)).toMatchObject({ verdict: 'admitted' })
    await ends(first, {})
    await ends(hold, {})
  })

  test('counts for 24 hours', async () => {
    const first = asked()
    await open(first)
    await ends(first, {})
    await setClock(database.pool, new Date(NOON + 24 * HOUR_MS - 1))
    expect(await open(asked())).toMatchObject(usedBy(first))
    await setClock(database.pool, new Date(NOON + 24 * HOUR_MS))
    const next = asked()
    expect(await open(next)).toMatchObject({ verdict: 'admitted' })
    expect(await open(asked())).toMatchObject(usedBy(next))
    await ends(next, {})
  })
})

describe('a key whose first request', () => {
  test.each<[string, Partial<Settlement>, boolean]>([
    ['succeeded', {}, false],
    ['succeeded and cost nothing', { due: nanoUsd(0n) }, false],
    ['was charged, though its client left', { outcome: 'client_left_before_output' }, false],
    ['met its money limit', { outcome: 'money_limit' }, false],
    ['failed before any output', { outcome: 'upstream_error', due: nanoUsd(0n) }, true],
    ['broke off and was excused', { outcome: 'upstream_broke', excusable: true }, true],
    ['broke off and was charged', { outcome: 'upstream_broke' }, false],
    ['was ended by a restart', { outcome: 'shutdown', due: nanoUsd(0n) }, true],
  ])('%s: free is %s', async (_what, ending, free) => {
    const first = asked()
    await open(first)
    await ends(first, ending)
    const second = asked()
    const answer = await open(second)
    expect(answer).toMatchObject(free ? { verdict: 'admitted' } : usedBy(first))
    // Whose it is now, it stays.
    expect(await open(asked())).toMatchObject(usedBy(free ? second : first))
    await ends(second, {})
  })

  test('was refused is free', async () => {
    expect(await open(asked({ amount: usd('11') }))).toMatchObject({ verdict: 'balance_too_low' })
    const second = asked()
    expect(await open(second)).toMatchObject({ verdict: 'admitted' })
    await ends(second, {})
  })

  test('was settled for a process given up is free only once that process can charge no more', async () => {
    const first = asked()
    await open(first)
    await database.pool.query('select * from hold_settle($1, true, true)', [
      JSON.stringify([
        {
          request_id: first.requestId,
          account_id: first.accountId,
          due: 0,
          cost: 0,
          input_tokens: 0,
          cached_input_tokens: 0,
          cache_write_tokens: 0,
          output_tokens: 0,
          thinking_output_tokens: 0,
          usage_source: 'none',
          attempts: 0,
          max_tokens_sent: 0,
          status: 500,
          outcome: 'gateway_lost',
        },
      ]),
    ])
    expect(await open(asked())).toMatchObject(usedBy(first))
    await setClock(database.pool, new Date(NOON + 10 * 60_000))
    const second = asked()
    expect(await open(second)).toMatchObject({ verdict: 'admitted' })
    await ends(second, {})
  })
})

test('old keys are forgotten, so many at a time, and young ones kept', async () => {
  const keysOf = async () => {
    const { rows } = await database.pool.query<{ key: string }>(
      'select key from idempotency_key where account_id = $1 order by key',
      [account.accountId],
    )
    return rows.map(({ key }) => key)
  }
  await database.pool.query('delete from idempotency_key')
  for (const idempotencyKey of ['a', 'b', 'c']) await ends(await opened(idempotencyKey), {})
  await setClock(database.pool, new Date(NOON + 24 * HOUR_MS))
  await ends(await opened('d'), {})
  const { rows } = await database.pool.query('select forget_idempotency_keys(2) as count')
  expect([rows, (await keysOf()).length]).toEqual([[{ count: 2n }], 2])
  await database.pool.query('select forget_idempotency_keys()')
  expect(await keysOf()).toEqual(['d'])
})

async function opened(idempotencyKey: string): Promise<HoldRequest> {
  const hold = asked({ idempotencyKey })
  expect(await open(hold)).toMatchObject({ verdict: 'admitted' })
  return hold
}
