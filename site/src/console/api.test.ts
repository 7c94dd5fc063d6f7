import { afterEach, beforeEach, expect, test } from 'vitest'
import { startApiServer, type ApiServer } from './api-server.fixture.ts'
import { createApi } from './api.ts'
import { createApiKey, readAccount } from './operations.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

test('an operation is answered with its data', async () => {
  const { viewer } = await createApi(server.origin).ask(readAccount, {})
  expect(viewer).toMatchObject({ name: 'A reader', wallet: { available: '12.3456789' } })
})

test('a failure the API explains keeps its words', async () => {
  await expect(createApi(server.origin).ask(createApiKey, { name: ' ' })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: 'name: give the key a name',
  })
})

const json = (body: unknown) => JSON.stringify(body)

test.each([
  ['a proxy’s page', 502, '<h1>Bad gateway</h1>', /error \(status 502\)/],
  ['an empty answer', 200, '', /error \(status 200\)/],
  ['JSON that is no object', 200, 'null', /error \(status 200\)/],
  ['no data', 200, json({ data: null }), /error \(status 200\)/],
  [
    'a masked failure beside data',
    200,
    json({ data: { viewer: null }, errors: [{ message: 'Unexpected error.' }] }),
    /^Something went wrong on our side/,
  ],
])('%s is said in words', async (_name, status, body, message) => {
  server.next = (response) => response.writeHead(status).end(body)
  await expect(createApi(server.origin).ask(readAccount, {})).rejects.toThrow(message)
})

test('no answer, or half of one, leaves open what was done', async () => {
  const unreachable = { code: 'UNREACHABLE', message: expect.stringContaining('connection') }
  server.next = (response) => response.destroy()
  await expect(createApi(server.origin).ask(readAccount, {})).rejects.toMatchObject(unreachable)

  server.next = (response) => {
    response.writeHead(200, { 'content-length': 100 }).write('{"data"', () => response.destroy())
  }
  await expect(createApi(server.origin).ask(readAccount, {})).rejects.toMatchObject(unreachable)
})

test('signing out ends the session, or says that it did not', async () => {
  server.next = (response) => response.writeHead(500).end()
  await expect(createApi(server.origin).signOut()).rejects.toThrow('status 500')
  expect(server.rows.account).not.toBeNull()

  await createApi(server.origin).signOut()
  expect(server.rows.account).toBeNull()
})
