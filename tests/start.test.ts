import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort, spawnStart, type Started } from './support/started.ts'

const ROOT = join(import.meta.dirname, '..')
/** What the site was last built for in development, so that starting here does not build it anew. */
const PUBLIC_URL = 'http://127.0.0.1:3000'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smartoken-start-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const start = (variables: NodeJS.ProcessEnv): Started => spawnStart({ PUBLIC_URL, ...variables })

/** Processes that have this folder on their command line: the cluster over it. */
const processesOver = (dataFolder: string): string[] =>
  processes().filter((pid) => read(pid, 'cmdline').includes(dataFolder))

const processes = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name))

/** What the kernel tells of a process; nothing of one that is gone. */
function read(pid: string, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8')
  } catch {
    return ''
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket.destroy() !== undefined))
    socket.once('error', () => resolve(false))
  })

describe('npm start', { timeout: 180_000 }, () => {
  let port: number
  let operationsPort: number
  let data: string
  let running: Started
  let demoKey: string

  beforeAll(async () => {
    port = await freePort()
    data = join(folder, 'data')
    operationsPort = await freePort()
    running = start({
      PORT: String(port),
      OPERATIONS_PORT: String(operationsPort),
      DATA_FOLDER: data,
    })
    await running.ready()
  }, 180_000)
  afterAll(() => running.stop())

  const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)

  test('prints a curl that gets a charged answer when pasted', () => {
    const curl = /^ *(curl [\s\S]*?'\{.*\}')$/m.exec(running.printed())![1]!
    demoKey = /sk-st-\w+/.exec(curl)![0]
    const here = curl.replaceAll(PUBLIC_URL, `http://127.0.0.1:${port}`)
    const answer = execFileSync('bash', ['-c', `${here} --silent --include`], { encoding: 'utf8' })
    expect(answer).toMatch(/^HTTP\/1.1 200/)
    expect(answer).toMatch(/^x-smartoken-cost: 0\.0000\d+/m)
    expect(answer).toMatch(/^x-smartoken-sandbox: true/m)
  })

  test.each([
    ['/', 200, 'text/html'],
    ['/models/deepseek-chat', 200, 'text/html'],
    ['/console', 200, 'text/html'],
    ['/console/keys', 200, 'text/html'],
    ['/no-such-page', 404, 'text/html'],
    ['/healthz', 200, 'text/plain'],
    ['/readyz', 200, 'application/json'],
    ['/metrics', 404, 'text/html'],
    ['/v1/models', 200, 'application/json'],
    ['/v1/models/kimi-k2.6', 200, 'application/json'],
    ['/v1', 404, 'application/json'],
    ['/v1/no-such-endpoint', 404, 'application/json'],
    ['/sitemap-index.xml', 200, 'xml'],
    ['/robots.txt', 200, 'text/plain'],
  ])('serves %s with %i, on the one port', async (path, status, type) => {
    const response = await at(path)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain(type)
  })

  test('serves the repository’s robots.txt as it is', async () => {
    expect(await (await at('/robots.txt')).text()).toBe(
      readFileSync(join(ROOT, 'robots.txt'), 'utf8'),
    )
  })

  test('has metrics at the operations port', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${operationsPort}/metrics`)).text()
    expect(metrics).toMatch(/^smartoken_requests_total\{.*model="deepseek-chat",status="200"/m)
  })

  test('says that the port is in use, and leaves the one that uses it alone', async () => {
    const second = start({ PORT: String(port), DATA_FOLDER: join(folder, 'other') })
    expect(await second.exited).toBe(1)
    expect(second.printed().trim()).toMatch(new RegExp(`^Port ${port} is in use.*npm start$`))
    expect((await at('/')).status).toBe(200)
  })

  test('says that the data folder is in use by another start', async () => {
    const second = start({ PORT: String(await freePort()), DATA_FOLDER: data })
    expect(await second.exited).toBe(1)
    expect(second.printed().trim()).toMatch(
      /^The database in .* is in use by another SmarToken \(process \d+\).*$/,
    )
  })

  test('stops every child on SIGTERM, with the port free and exit code 0', async () => {
    expect(processesOver(data).length).toBeGreaterThan(0)
    running.child.kill('SIGTERM')
    expect(await running.exited).toBe(0)
    expect(processesOver(data)).toEqual([])
    expect(await isListening(port)).toBe(false)
  })

  test('starts again over the same data, with the same demo key and the charge remembered', async () => {
    running = start({ PORT: String(port), DATA_FOLDER: data })
    await running.ready()
    expect(running.printed()).toContain(demoKey)
  })

  test('recovers from a kill -9 of itself, stopping the database left behind', async () => {
    running.child.kill('SIGKILL')
    await running.exited
    running = start({ PORT: String(port), DATA_FOLDER: data })
    await running.ready()
    expect((await at('/v1/models')).status).toBe(200)
  })

  test('says in one sentence that a data folder is corrupt, and exits non-zero', async () => {
    await running.stop()
    writeFileSync(join(data, 'postgres', 'data', 'global', 'pg_control'), 'not a control file')
    const broken = start({ PORT: String(port), DATA_FOLDER: data })
    expect(await broken.exited).toBe(1)
    expect(broken.printed().trim()).toMatch(
      /^PostgreSQL cannot open the database in .*move it away.*\.$/,
    )
  })
})

describe('npm start with a configuration that cannot work', { timeout: 60_000 }, () => {
  test.each([
    [
      'an unreachable DATABASE_URL',
      { DATABASE_URL: 'postgresql://user:secret@127.0.0.1:9/db' },
      /^The database at 127\.0\.0\.1:9 cannot be used: nothing listens there\./,
    ],
    [
      'a DATABASE_URL of another database',
      { DATABASE_URL: 'mysql://127.0.0.1/db' },
      /^DATABASE_URL: must be a postgresql:\/\/ URL$/,
    ],
    ['a PORT that is no port', { PORT: 'eighty' }, /^PORT: /],
    ['production without its secrets', { NODE_ENV: 'production' }, /SESSION_SECRET/],
  ])('%s exits non-zero and says what is wrong', async (_case, variables, sentence) => {
    const failed = start({
      PORT: String(await freePort()),
      DATA_FOLDER: join(folder, 'unused'),
      ...variables,
    })
    expect(await failed.exited).toBe(1)
    expect(failed.printed().trim()).toMatch(sentence)
    expect(failed.printed()).not.toContain('secret@')
  })
})

describe('npm start, stopped while it is starting', { timeout: 120_000 }, () => {
  test('leaves neither its database nor its site build behind, and says nothing more', async () => {
    const data = join(folder, 'interrupted')
    // An origin of its own, so that the site has to be built.
    const origin = 'http://interrupted.example'
    const interrupted = start({
      PORT: String(await freePort()),
      DATA_FOLDER: data,
      PUBLIC_URL: origin,
    })
    await vi.waitUntil(() => buildsFor(origin).length > 0, { timeout: 60_000 })
    interrupted.child.kill('SIGTERM')
    expect(await interrupted.exited).toBe(0)
    expect(interrupted.printed()).toBe('')
    expect(processesOver(data)).toEqual([])
    expect(buildsFor(origin)).toEqual([])
  })
})

/** Processes that build the site for this origin. */
function buildsFor(origin: string): string[] {
  return processes().filter(
    (pid) =>
      read(pid, 'cmdline').includes('astro-build.ts') && read(pid, 'environ').includes(origin),
  )
}
