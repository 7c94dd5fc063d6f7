import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Client, type QueryResult } from 'pg'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  test,
  vi,
} from 'vitest'
import {
  PostgresDataUnusable,
  PostgresFolderUnwritable,
  PostgresInUse,
  startPostgres,
} from './index.ts'

let scratch: string
let grown: string
let folder: string
let stops: (() => Promise<unknown>)[]

/**
 * One cluster is set up and filled; the tests work on copies. They lie in the run's own folder: should the run be
 * killed, that is removed, and a PostgreSQL without its folder ends by itself within a minute.
 */
beforeAll(async () => {
  scratch = mkdtempSync(join(inject('postgres').folder, 'test-'))
  grown = join(scratch, 'grown')
  const postgres = await startPostgres({ folder: grown })
  await query(postgres.url, 'create table kept as select 42 as answer')
  await postgres.stop()
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

beforeEach(() => {
  stops = []
  folder = mkdtempSync(join(scratch, 'copy-'))
  cpSync(grown, folder, { recursive: true })
})
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop()
})

describe('a start', () => {
  test('finds what an earlier one kept, in a folder only its owner can read', async () => {
    const postgres = await start()
    expect(await answer(postgres.url)).toBe(42)
    expect(statSync(join(postgres.home, 'data')).mode & 0o777).toBe(0o700)
    expect(statSync(join(postgres.home, 'data', 'smartoken-password')).mode & 0o777).toBe(0o600)
  })

  test('listens on 127.0.0.1 alone, asks for the password, and syncs what it commits', async () => {
    const postgres = await start()
    const { rows } = await query(
      postgres.url,
      `select name, setting from pg_settings where name in
       ('listen_addresses', 'unix_socket_directories', 'fsync', 'synchronous_commit', 'full_page_writes',
        'max_connections', 'server_encoding', 'TimeZone')`,
    )
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      max_connections: '200',
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
    })
    const guess = new URL(postgres.url)
    guess.password = 'guess'
    await expect(query(guess.href, 'select 1')).rejects.toThrow(/password authentication failed/)
  })

  test('leads a process group of its own, which Ctrl-C in the terminal does not reach', async () => {
    const postgres = await start()
    expect(() => process.kill(-postgres.pid, 0)).not.toThrow()
  })

  test('sweeps away a set-up that was cut short and begins anew', async () => {
    rmSync(join(folder, 'data'), { recursive: true })
    mkdirSync(join(folder, 'data.new', 'base'), { recursive: true })
    writeFileSync(join(folder, 'data.new.password'), 'half')
    const postgres = await start()
    expect((await query(postgres.url, 'select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(existsSync(join(folder, 'data.new'))).toBe(false)
  })
})

describe('a folder in use', () => {
  test('is refused while its process lives, and free after a stop', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(PostgresInUse)
    await expect(start()).rejects.toThrow(`process ${process.pid}`)
    await first.stop()
    expect(await answer((await start()).url)).toBe(42)
  })

  test('goes to one of two that start at the same moment', async () => {
    const outcomes = await Promise.allSettled([start(), start()])
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: expect.any(PostgresInUse),
    })
  })
})

describe('after kill -9', () => {
  test('of the process alone, its PostgreSQL is stopped and another takes over, with all that was committed', async () => {
    const { child, pid, url } = await startElsewhere(
      `startPostgres({ folder: ${JSON.stringify(folder)} })`,
    )
    await query(url, 'update kept set answer = 43')
    await expect(start()).rejects.toThrow(`process ${child.pid}`)
    await killed(child)
    expect(isAlive(pid)).toBe(true)

    const lines: string[] = []
    const postgres = await start((line) => lines.push(line))
    expect(lines).toEqual([`Stopped PostgreSQL (process ${pid}) left over from a killed start.`])
    expect(isAlive(pid)).toBe(false)
    expect(await answer(postgres.url)).toBe(43)
  })

  test('of PostgreSQL alone, that is noticed and the next start recovers', async () => {
    const postgres = await start()
    await query(postgres.url, 'update kept set answer = 43')
    process.kill(postgres.pid, 'SIGKILL')
    await postgres.ended
    await postgres.stop()
    expect(await answer((await start()).url)).toBe(43)
  })

  test('of both, the next start recovers', async () => {
    const { child, pid, url } = await startElsewhere(
      `startPostgres({ folder: ${JSON.stringify(folder)} })`,
    )
    await query(url, 'update kept set answer = 43')
    process.kill(pid, 'SIGKILL')
    await killed(child)
    expect(await answer((await start()).url)).toBe(43)
  })

  test('of a process with a throw-away PostgreSQL, server and folder go too', async () => {
    const { child, pid, home } = await startElsewhere('startThrowAwayPostgres()')
    expect(existsSync(home)).toBe(true)
    await killed(child)
    await vi.waitFor(() => expect([isAlive(pid), existsSync(home)]).toEqual([false, false]), 20_000)
  })

  test('another process that now has the old pid is left alone', async () => {
    writeFileSync(
      join(folder, 'lock'),
      JSON.stringify({ pid: process.pid, start: 'long ago', id: 'x' }),
    )
    const bystander = spawn('sleep', ['60'])
    stops.push(() => killed(bystander))
    writeFileSync(
      join(folder, 'data', 'postmaster.pid'),
      `${bystander.pid}\n${join(folder, 'data')}\n`,
    )
    expect(await answer((await start()).url)).toBe(42)
    expect(bystander.exitCode).toBe(null)
  })
})

describe('a folder that cannot be used', () => {
  test.each<[string, (data: string) => void, RegExp]>([
    [
      'broken data',
      (data) => rmSync(join(data, 'global', 'pg_control')),
      /could not .*pg_control.*\. Restore that folder/,
    ],
    [
      'another version',
      (data) => writeFileSync(join(data, 'PG_VERSION'), '17\n'),
      /the data of PostgreSQL 17/,
    ],
    ['something else', (data) => rmSync(join(data, 'PG_VERSION')), /no PostgreSQL data/],
    [
      'a lost password',
      (data) => rmSync(join(data, 'smartoken-password')),
      /smartoken-password in it is missing/,
    ],
  ])('%s: one sentence names the folder and what to do', async (_name, damage, sentence) => {
    damage(join(folder, 'data'))
    const failure = await start().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PostgresDataUnusable)
    expect(String(failure)).toMatch(sentence)
    expect(String(failure)).toContain(join(folder, 'data'))
    expect(String(failure)).toContain('move it away to begin with an empty database')
    expect(existsSync(join(folder, 'lock'))).toBe(false)
  })

  test('a place that cannot be written is named', async () => {
    const file = join(scratch, 'a-file')
    writeFileSync(file, '')
    await expect(startPostgres({ folder: join(file, 'below') })).rejects.toThrow(
      PostgresFolderUnwritable,
    )
  })
})

async function start(log?: (line: string) => void) {
  const postgres = await startPostgres({ folder, ...(log && { log }) })
  stops.push(() => postgres.stop())
  return postgres
}

/** Runs `call` in a Node process of its own. */
async function startElsewhere(call: string) {
  const index = new URL('index.ts', import.meta.url).href
  const script = `import { startPostgres, startThrowAwayPostgres } from '${index}'
    const { url, pid, home } = await ${call}
    console.log(JSON.stringify({ url, pid, home }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stops.push(() => killed(child))
  const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [Buffer]
  return { child, ...(JSON.parse(line.toString()) as { url: string; pid: number; home: string }) }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A killed process may stay a zombie where nobody reaps it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    const stat = `/proc/${pid}/stat`
    return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'))
  } catch {
    return false
  }
}

async function query(url: string, sql: string): Promise<QueryResult> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

const answer = async (url: string): Promise<unknown> =>
  (await query(url, 'select answer from kept')).rows[0].answer
