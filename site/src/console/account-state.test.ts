import { afterEach, beforeEach, expect, test } from 'vitest'
import { AccountState } from './account-state.ts'
import { SECRET, someKey, someRequest, someRows, startApiServer } from './api-server.fixture.ts'
import type { ApiServer } from './api-server.fixture.ts'
import { createApi } from './api.ts'
import type { RequestPage } from './operations.ts'

let server: ApiServer
let state: AccountState

beforeEach(async () => {
  server = await startApiServer(someRows(50))
  state = new AccountState(createApi(server.origin))
})
afterEach(() => server.close())

test('nothing is claimed before the first answer', () => {
  expect(state.account.value).toBeUndefined()
})

test('signed out is null, and no problem', async () => {
  server.rows.account = null
  await state.refresh()
  expect(state.account.value).toBeNull()
  expect(state.problem.value).toBeUndefined()
})

test('what was read stays while the server cannot be reached, and the problem goes with it', async () => {
  await state.refresh()
  server.next = (response) => response.destroy()
  await state.refresh()
  expect(state.account.value?.name).toBe('A reader')
  expect(state.problem.value).toContain('cannot be reached')

  await state.refresh()
  expect(state.problem.value).toBeUndefined()
})

test('pages of requests add up to all of them, and new ones are put before', async () => {
  await state.refresh()
  expect([await state.loadMore(), await state.loadMore(), await state.loadMore()]).toEqual([
    20, 10, 0,
  ])
  server.rows.requests.unshift(someRequest(51))
  await state.refresh()
  expect(shownRequests()).toEqual(server.rows.requests.map(({ id }) => id))
})

test('a page asked for before the list was read anew is not added to it', async () => {
  await state.refresh()
  const release = holdNext({ data: { viewer: { id: 'acc_1', requests: pageOf(30) } } })
  const added = state.loadMore()
  await release.ready
  server.rows.requests = Array.from({ length: 50 }, (_, at) => someRequest(100 - at))
  await state.refresh()
  release.now()
  expect(await added).toBe(0)
  expect(shownRequests()).toEqual(server.rows.requests.slice(0, 20).map(({ id }) => id))
})

test('a new key is listed at once and its secret is nowhere in the state', async () => {
  await state.refresh()
  expect(await state.createKey('a server')).toBe(SECRET)
  expect(state.account.value?.apiKeys.map(({ name }) => name)).toEqual(['a server'])
  expect(JSON.stringify([state.account.value, state.requests.value])).not.toContain(SECRET)
})

test('an answer from before a new key does not take the key away', async () => {
  await state.refresh()
  const release = holdNext({
    data: { viewer: { ...server.rows.account, apiKeys: [], requests: pageOf(50) } },
  })
  const refreshed = state.refresh()
  await release.ready
  await state.createKey('a server')
  release.now()
  await refreshed
  expect(state.account.value?.apiKeys).toHaveLength(1)
  expect(shownRequests()).toHaveLength(20)
})

test('a revoked key is shown so at once', async () => {
  server.rows.apiKeys = [someKey({ id: 'key_2' }), someKey()]
  await state.refresh()
  await state.revokeKey('key_2')
  expect(state.account.value?.apiKeys.map(({ revokedAt }) => revokedAt !== null)).toEqual([
    true,
    false,
  ])
})

test('when the session has ended nothing of the account is left, and it is said', async () => {
  await state.refresh()
  server.rows.account = null
  await expect(state.createKey('a server')).rejects.toThrow('Your session has ended')
  expect(state.account.value).toBeNull()
  expect(shownRequests()).toEqual([])
  expect(state.problem.value).toContain('Sign in again')
})

test('another account’s requests are not mixed with the first one’s', async () => {
  await state.refresh()
  const other = someRows(30)
  server.rows.account = { ...other.account!, id: 'acc_2' }
  server.rows.requests = other.requests.slice(0, 25)
  await state.refresh()
  expect(shownRequests()).toEqual(other.requests.slice(0, 20).map(({ id }) => id))
})

test('signing out empties the page; failing to does not', async () => {
  await state.refresh()
  server.next = (response) => response.writeHead(503).end()
  await expect(state.signOut()).rejects.toThrow('status 503')
  expect(state.account.value?.name).toBe('A reader')

  await state.signOut()
  expect(state.account.value).toBeNull()
  expect(shownRequests()).toEqual([])
})

function pageOf(newest: number): RequestPage {
  return {
    edges: [{ node: someRequest(newest) }],
    pageInfo: { hasNextPage: true, endCursor: someRequest(newest).id },
  }
}

/** The next request is answered with `body`, but only when told to. */
function holdNext(body: object): { readonly ready: Promise<void>; now(): void } {
  const arrived = Promise.withResolvers<void>()
  const release = { ready: arrived.promise, now: (): void => {} }
  server.next = (response) => {
    release.now = () => void response.end(JSON.stringify(body))
    arrived.resolve()
  }
  return release
}

const shownRequests = (): string[] => state.requests.value.edges.map(({ node }) => node.id)
