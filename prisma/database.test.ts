import { Client } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type TestDatabase, createDatabase } from '../tests/support/database.ts'
import { createPool } from './database.ts'

let database: TestDatabase
beforeAll(async () => void (database = await createDatabase()))
afterAll(() => database.drop())

test.each([
  ['an int8 past 2^53', `9007199254740993::int8`, 9_007_199_254_740_993n],
  ['a count', `count(*)`, 1n],
  [
    'an array of int8',
    `array[1, null, -9007199254740993]::int8[]`,
    [1n, null, -9_007_199_254_740_993n],
  ],
  ['an int4', `7::int4`, 7],
  [
    'a timestamptz',
    `'2026-01-02T03:04:05.678+08'::timestamptz`,
    new Date('2026-01-01T19:04:05.678Z'),
  ],
  ['an array of text', `array['a,b', null]`, ['a,b', null]],
])('%s arrives exactly', async (_name, expression, expected) => {
  const { rows } = await database.pool.query(`select ${expression} as value`)
  expect(rows[0].value).toEqual(expected)
})

test('other users of pg in this process keep their own parsers', async () => {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query('select 1::int8 as value')
  await client.end()
  expect(rows[0].value).toBe('1')
})

test('connections say who they are and carry their limits', async () => {
  const pool = createPool(database.url, {
    max: 1,
    applicationName: 'gateway',
    statementTimeoutMs: 2_000,
  })
  const { rows } = await pool.query(
    `select current_setting('application_name') as name, current_setting('statement_timeout') as statement,
       current_setting('idle_in_transaction_session_timeout') as idle`,
  )
  await pool.end()
  expect(rows[0]).toEqual({ name: 'gateway', statement: '2s', idle: '1s' })
})

test('a connection cut while idle is replaced, and does not end the process', async () => {
  const pool = createPool(database.url, {
    max: 1,
    applicationName: 'cut',
    statementTimeoutMs: 2_000,
  })
  const { rows } = await pool.query('select pg_backend_pid() as pid')
  await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid])
  await vi.waitFor(() => expect(pool.totalCount).toBe(0))
  const again = await pool.query('select pg_backend_pid() as pid')
  await pool.end()
  expect(again.rows[0].pid).not.toBe(rows[0].pid)
})
