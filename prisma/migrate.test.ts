import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, createDatabase } from '../tests/support/database.ts'
import { DatabaseUnreachable, MigrationEdited, MigrationFailed, migrate } from './migrate.ts'

const FUNCTION = `
create table ledger (amount bigint not null check (amount > 0)) partition by range (amount);
create table ledger_small partition of ledger for values from (1) to (100);
create function move(amount bigint) returns bigint language plpgsql as $$
declare twice bigint;
begin
  twice := amount * 2; -- a semicolon; in a comment too
  insert into ledger values (twice);
  return twice;
end;
$$;
select move(21);
`

let database: TestDatabase
let folder: string

beforeEach(async () => {
  database = await createDatabase({ empty: true })
  folder = mkdtempSync(join(tmpdir(), 'smartoken-migrations-'))
})
afterEach(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

test('our migrations apply to an empty database, once', async () => {
  const applied = await migrate(database.url)
  expect(applied.length).toBeGreaterThan(0)
  expect(await finished()).toEqual(applied)
  expect(await migrate(database.url)).toEqual([])
})

test('function bodies, partitions and several statements in one file apply as written', async () => {
  write('1_ledger', FUNCTION)
  expect(await migrate(database.url, folder)).toEqual(['1_ledger'])
  expect((await database.pool.query('select amount from ledger')).rows).toEqual([{ amount: 42n }])
})

test('a failing migration names its file and line, leaves nothing, and is tried again when mended', async () => {
  write('1_good', 'create table good ();')
  write('2_bad', 'create table half ();\n-- 价格\ncreate table bad (\n  amount bigin not null\n);')
  const failure = await migrate(database.url, folder).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(MigrationFailed)
  expect(String(failure)).toBe(
    'MigrationFailed: The migration prisma/migrations/2_bad/migration.sql, line 4, failed: type "bigin" does not exist',
  )
  const { rows } = await database.pool.query(`select to_regclass('half') as half`)
  expect(rows).toEqual([{ half: null }])

  write('2_bad', 'create table bad (amount bigint not null);')
  expect(await migrate(database.url, folder)).toEqual(['2_bad'])
  expect(await finished()).toEqual(['1_good', '2_bad'])
})

test('a failure inside a function called by a migration says where', async () => {
  write(
    '1_raise',
    `do $$ begin raise exception 'no % here', 'money' using hint = 'Add some.'; end $$;`,
  )
  await expect(migrate(database.url, folder)).rejects.toThrow(
    /1_raise\/migration\.sql failed: no money here\. Add some\. PL\/pgSQL function inline_code_block line 1/,
  )
})

test('a migration that a killed process left half done does not block the next run', async () => {
  write('1_first', 'create table first ();')
  await migrate(database.url, folder)
  await database.pool.query(
    `insert into _prisma_migrations (id, checksum, migration_name) values ('x', 'x', '2_second')`,
  )
  write('2_second', 'create table second ();')
  expect(await migrate(database.url, folder)).toEqual(['2_second'])
})

test('a file changed after it was applied is refused', async () => {
  write('1_first', 'create table first ();')
  await migrate(database.url, folder)
  write('1_first', 'create table first (more int);')
  await expect(migrate(database.url, folder)).rejects.toThrow(MigrationEdited)
})

test('several processes may migrate one database, each starting while another is at it', async () => {
  for (const name of ['1_a', '2_b', '3_c'])
    write(name, `create table t${name} (); select pg_sleep(0.1);`)
  const applied = await Promise.all(
    [0, 50, 100, 150].map(async (delayMs) => {
      await sleep(delayMs)
      return migrate(database.url, folder)
    }),
  )
  expect(applied.flat().toSorted()).toEqual(['1_a', '2_b', '3_c'])
  const { rows } = await database.pool.query('select rolled_back_at from _prisma_migrations')
  expect(rows).toEqual(Array.from({ length: 3 }, () => ({ rolled_back_at: null })))
})

test('a database that is not there is named by host and port, never by password', async () => {
  const url = 'postgresql://someone:s3cret@127.0.0.1:1/nothing'
  const failure = await migrate(url).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(DatabaseUnreachable)
  expect(String(failure)).toContain('127.0.0.1:1 cannot be used: nothing listens there')
  expect(String(failure)).not.toContain('s3cret')
})

test('a wrong password is said to be one', async () => {
  const url = new URL(database.url)
  url.password = 'wr0ng'
  const failure = await migrate(url.href).catch((error: unknown) => error)
  expect(String(failure)).toMatch(/password authentication failed/)
  expect(String(failure)).not.toContain('wr0ng')
})

function write(name: string, script: string): void {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, 'migration.sql'), script)
}

async function finished(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select migration_name as name from _prisma_migrations where finished_at is not null order by name`,
  )
  return rows.map(({ name }) => name)
}
