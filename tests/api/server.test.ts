import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/database.ts'

const SERVER = join(import.meta.dirname, '../../api/src/server.ts')

let database: TestDatabase
beforeAll(async () => void (database = await createDatabase()))
afterAll(() => database.drop())

const production = () => ({
  NODE_ENV: 'production',
  PORT: '0',
  LOG_LEVEL: 'info',
  DATABASE_URL: database.url,
  PUBLIC_URL: 'https://smartoken.example',
  SESSION_SECRET: 'q2Qy7m0dT1bWc9XoVZt4uR8sLkEfHgJaNiPzYvBx',
  GOOGLE_CLIENT_ID: 'client.apps.example',
  GOOGLE_CLIENT_SECRET: 'GOCSPX-0123456789abcdef',
})

const start = (env: Record<string, string>) =>
  spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] })

test('in production it answers on a port of its own, and SIGTERM ends it cleanly', async () => {
  const server = start(production())
  const exited = once(server, 'exit')
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const { address } = JSON.parse(line.toString()) as { address: { port: number; address: string } }
  expect(address.address).toBe('127.0.0.1')

  const url = `http://127.0.0.1:${address.port}/graphql`
  const ask = (accept: string) =>
    fetch(`${url}?query={viewer{id}}`, {
      headers: { accept, 'x-graphql-yoga-csrf': '1', connection: 'close' },
    })
  expect(await (await ask('application/json')).json()).toEqual({ data: { viewer: null } })
  const browser = await ask('text/html,*/*;q=0.8')
  expect(browser.headers.get('content-type')).toContain('application/json')
  await browser.body?.cancel()

  server.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})

test.each([
  'DATABASE_URL',
  'PUBLIC_URL',
  'SESSION_SECRET',
  'GOOGLE_CLIENT_ID',
  'GOOGLE_CLIENT_SECRET',
])('it does not start without %s, and says so', async (name) => {
  const server = start({ ...production(), [name]: '' })
  const [exited, said] = await Promise.all([once(server, 'exit'), text(server.stderr)])
  expect(exited[0]).toBe(1)
  expect(said).toContain(`\n  ${name}: `)
})
