import { newId } from '@smartoken/prisma/ids'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { Refusals, type Refusal } from './refusals.ts'

const NOON = Date.parse('2026-11-25T12:00:00Z')
const MINUTE_MS = 60_000

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})
beforeEach(() => database.pool.query('truncate refusal_count, refused_request'))
afterAll(() => database.drop())

const refusal = (over: Partial<Refusal> = {}): Refusal => ({
  requestId: newId('request'),
  caller: { apiKeyId: 'key_1', accountId: 'acc_1' },
  code: 'rate_limit_exceeded',
  status: 429,
  modelAsked: 'deepseek-chat',
  at: new Date(NOON),
  ...over,
})

const counts = async () => {
  const { rows } = await database.pool.query<{ at: string; code: string; count: bigint }>(
    `select api_key_id || ' ' || to_char(minute at time zone 'UTC', 'HH24:MI') as at, code, sum(count) as count
       from refusal_count group by 1, 2 order by 1, 2`,
  )
  return rows.map(({ at, code, count }) => `${at} ${code} ${String(count)}`)
}

const whole = async () => {
  const { rows } = await database.pool.query<{ id: string }>(
    'select id from refused_request order by id',
  )
  return rows.map(({ id }) => id)
}

describe('refusals', () => {
  test('are counted by key, code and minute', async () => {
    const refusals = new Refusals()
    for (const over of [
      {},
      { at: new Date(NOON + MINUTE_MS - 1) },
      { at: new Date(NOON + MINUTE_MS) },
      { code: 'model_not_found' },
      { caller: { apiKeyId: 'key_2', accountId: 'acc_1' } },
    ])
      refusals.add(refusal(over))
    await refusals.store(database.pool, new Date(NOON))
    expect(await counts()).toEqual([
      'key_1 12:00 model_not_found 1',
      'key_1 12:00 rate_limit_exceeded 2',
      'key_1 12:01 rate_limit_exceeded 1',
      'key_2 12:00 rate_limit_exceeded 1',
    ])
  })

  test('add up over processes and times of storing, and are stored once', async () => {
    const processes = [new Refusals(), new Refusals()]
    for (let round = 0; round < 3; round += 1) {
      for (const refusals of processes) {
        refusals.add(refusal())
        await refusals.store(database.pool, new Date(NOON + round))
        await refusals.store(database.pool, new Date(NOON + round))
      }
    }
    await processes[0]!.store(database.pool, new Date(NOON + 5 * MINUTE_MS))
    expect(await counts()).toEqual(['key_1 12:00 rate_limit_exceeded 6'])
    expect(await whole()).toHaveLength(6)
  })

  test('are kept whole, ten of a key and minute over all processes', async () => {
    const processes = [new Refusals(), new Refusals(), new Refusals()]
    const invalid = { modelAsked: undefined, code: 'invalid_json', status: 400 }
    const kept = refusal({ ...invalid, caller: { apiKeyId: 'key_3', accountId: 'acc_3' } })
    processes[0]!.add(kept)
    for (const refusals of processes) {
      refusals.add(refusal(invalid)) // the ten are of all codes
      for (let times = 0; times < 15; times += 1) refusals.add(refusal())
      refusals.add(refusal({ at: new Date(NOON + MINUTE_MS) }))
      refusals.add(refusal({ caller: { apiKeyId: 'key_2', accountId: 'acc_2' } }))
    }
    await Promise.all(processes.map((refusals) => refusals.store(database.pool, new Date(NOON))))
    expect(await whole()).toHaveLength(10 + 3 + 3 + 1)
    expect(await counts()).toContain('key_1 12:00 rate_limit_exceeded 45')
    const { rows } = await database.pool.query('select * from refused_request where id = $1', [
      kept.requestId,
    ])
    expect(rows).toEqual([
      {
        id: kept.requestId,
        account_id: 'acc_3',
        api_key_id: 'key_3',
        code: 'invalid_json',
        status: 400,
        model_asked: null,
        at: new Date(NOON),
      },
    ])
  })

  test.each([
    ['deepseek/deepseek-chat:free', 'deepseek/deepseek-chat:free'],
    ['my secret prompt', null],
    ['nul\0', null],
    ['x'.repeat(200), null],
  ])('say for which model where that looks like one: %j', async (modelAsked, stored) => {
    const refusals = new Refusals()
    refusals.add(refusal({ modelAsked }))
    await refusals.store(database.pool, new Date(NOON))
    const { rows } = await database.pool.query('select model_asked from refused_request')
    expect(rows).toEqual([{ model_asked: stored }])
  })

  test('that could not be stored are, the next time', async () => {
    const refusals = new Refusals()
    refusals.add(refusal())
    await database.pool.query('alter table refusal_count rename to refusal_count_away')
    const storing = refusals.store(database.pool, new Date(NOON + 9 * MINUTE_MS))
    await expect(storing).rejects.toThrow('relation "refusal_count" does not exist')
    await database.pool.query('alter table refusal_count_away rename to refusal_count')
    await refusals.store(database.pool, new Date(NOON + 9 * MINUTE_MS))
    expect(await counts()).toEqual(['key_1 12:00 rate_limit_exceeded 1'])
    expect(await whole()).toHaveLength(1)
  })

  test('of a flood are bounded in memory', async () => {
    const refusals = new Refusals()
    for (let key = 0; key < 12_000; key += 1)
      refusals.add(refusal({ caller: { apiKeyId: `key_${key}`, accountId: 'acc_1' } }))
    for (let times = 0; times < 12; times += 1) await refusals.store(database.pool, new Date(NOON))
    expect([(await counts()).length, (await whole()).length]).toEqual([10_000, 10_000])
  })
})

test('what is older than 90 days is forgotten', async () => {
  const refusals = new Refusals()
  const old = `req_00${'0'.repeat(26)}`
  refusals.add(refusal({ requestId: old, at: new Date('2026-01-01') }))
  const young = refusal({ at: new Date() })
  refusals.add(young)
  await refusals.store(database.pool, new Date())
  await database.pool.query('select forget_refusals()')
  expect(await whole()).toEqual([young.requestId])
  expect(await counts()).toHaveLength(1)
})
