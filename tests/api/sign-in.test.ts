import { startIdentityProvider } from '@smartoken/api/identity-provider'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ask, begin, createBrowser, locationOf, passProvider, signIn } from './browser.ts'
import { startApi, type TestApi } from './start-api.ts'

const SESSION = '__Host-session'
const ATTEMPT = '__Host-sign-in'
const MINUTE_MS = 60_000

let api: TestApi
beforeAll(async () => void (api = await startApi()))
afterAll(() => api.stop())
afterEach(() => void vi.useRealTimers())

type Viewer = { viewer: { id: string; email: string; name: string } | null }
const viewerOf = async (browser = createBrowser()) =>
  (await ask<Viewer>(api, browser, '{ viewer { id email name } }')).data.viewer

const sessionsOf = async (email: string) =>
  (
    await api.database.pool.query<{ token_hash: Buffer }>(
      'select token_hash from session join account on account.id = account_id where email = $1',
      [email],
    )
  ).rows

test('a first sign-in makes an account with an identity and a wallet, and leads where one was going', async () => {
  const browser = createBrowser()
  const callback = await passProvider(
    browser,
    await begin(api, browser, '/console/keys?new=1'),
    'first',
  )
  const response = await browser.get(callback)

  expect(response.status).toBe(302)
  expect(locationOf(response).href).toBe(`${api.url}/console/keys?new=1`)
  expect(await viewerOf(browser)).toMatchObject({ email: 'first@localhost', name: 'first' })
  const { rows } = await api.database.pool.query(
    `select issuer, subject, posted from account join identity on identity.account_id = account.id
      join wallet on wallet.account_id = account.id where email = 'first@localhost'`,
  )
  expect(rows).toEqual([{ issuer: api.issuer, subject: 'first', posted: 0n }])
})

test('both cookies are of this host alone, and out of reach of scripts and other sites', async () => {
  const browser = createBrowser()
  const began = await browser.get(`${api.url}/auth/sign-in`)
  const [attempt] = began.headers.getSetCookie()
  expect(attempt).toMatch(
    /^__Host-sign-in=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )

  const ended = await browser.get(await passProvider(browser, locationOf(began), 'cookies'))
  const session = ended.headers.getSetCookie().find((line) => line.startsWith(SESSION))
  expect(session).toMatch(
    /^__Host-session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
  expect(browser.cookiesOf(api.url).has(ATTEMPT)).toBe(false)
})

test('what the identity provider is asked holds state, nonce and an S256 challenge, all new each time', async () => {
  const [first, second] = [await begin(api, createBrowser()), await begin(api, createBrowser())]
  for (const name of ['state', 'nonce', 'code_challenge']) {
    expect(first.searchParams.get(name)).toMatch(/^[\w-]{43}$/)
    expect(first.searchParams.get(name)).not.toBe(second.searchParams.get(name))
  }
  expect(first.searchParams.get('code_challenge_method')).toBe('S256')
})

test('signing in again is the same account, with the email it has now', async () => {
  const before = await viewerOf(await signIn(api, 'again'))
  await api.database.pool.query("update account set email = 'old@localhost' where id = $1", [
    before?.id,
  ])
  expect(await viewerOf(await signIn(api, 'again'))).toEqual(before)
})

test('the same email from another subject is another account', async () => {
  await signIn(api, 'twin')
  await api.database.pool.query("update identity set subject = 'another' where subject = 'twin'")
  await signIn(api, 'twin')
  const { rows } = await api.database.pool.query(
    "select id from account where email = 'twin@localhost'",
  )
  expect(rows).toHaveLength(2)
})

test('eight first sign-ins at once make one account', async () => {
  const ready = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const browser = createBrowser()
      return { browser, callback: await passProvider(browser, await begin(api, browser), 'racer') }
    }),
  )
  const responses = await Promise.all(ready.map(({ browser, callback }) => browser.get(callback)))
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 302))
  const ids = await Promise.all(ready.map(async ({ browser }) => (await viewerOf(browser))?.id))
  expect(new Set(ids).size).toBe(1)
  const { rows } = await api.database.pool.query(
    "select id from account where email = 'racer@localhost'",
  )
  expect(rows).toHaveLength(1)
})

test.each(['//evil.example', 'https://evil.example/', '/\\evil.example', '/.//evil.example'])(
  'return_to=%s leads to the console',
  async (returnTo) => {
    const browser = createBrowser()
    const response = await browser.get(
      await passProvider(browser, await begin(api, browser, returnTo), 'returning'),
    )
    expect(response.headers.get('location')).toBe(`${api.url}/console`)
  },
)

test('only the hash of a session is stored', async () => {
  const browser = await signIn(api, 'hashed')
  const token = browser.cookiesOf(api.url).get(SESSION)!
  const [session] = await sessionsOf('hashed@localhost')
  expect(session!.token_hash).toHaveLength(32)
  expect(session!.token_hash.toString('base64url')).not.toBe(token)
})

test('each sign-in gives a new token and ends the session the browser had, so none can be planted', async () => {
  const browser = await signIn(api, 'fixed')
  const planted = createBrowser()
  planted.cookiesOf(api.url).set(SESSION, browser.cookiesOf(api.url).get(SESSION)!)

  await signIn(api, 'fixed', browser)
  expect(browser.cookiesOf(api.url).get(SESSION)).not.toBe(planted.cookiesOf(api.url).get(SESSION))
  expect(await viewerOf(planted)).toBeNull()
  expect(await viewerOf(browser)).not.toBeNull()
})

test('a token that nobody was given opens nothing, and is not adopted by signing in', async () => {
  const browser = createBrowser()
  browser.cookiesOf(api.url).set(SESSION, 'a'.repeat(43))
  expect(await viewerOf(browser)).toBeNull()
  await signIn(api, 'unadopted', browser)
  expect(browser.cookiesOf(api.url).get(SESSION)).not.toBe('a'.repeat(43))
})

test('a session token does nothing as a bearer token or without its prefix', async () => {
  const browser = await signIn(api, 'bearer')
  const token = browser.cookiesOf(api.url).get(SESSION)!
  for (const [name, value] of [
    ['authorization', `Bearer ${token}`],
    ['x-api-key', token],
    ['cookie', `session=${token}`],
  ] as const) {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [name]: value },
      body: JSON.stringify({ query: '{ viewer { id } }' }),
    })
    expect(await response.json()).toEqual({ data: { viewer: null } })
  }
})

test('signing out ends the session and clears the cookie', async () => {
  const browser = await signIn(api, 'leaver')
  const copy = createBrowser()
  copy.cookiesOf(api.url).set(SESSION, browser.cookiesOf(api.url).get(SESSION)!)

  const response = await browser.post(`${api.url}/auth/sign-out`, { headers: { origin: api.url } })
  expect(response.status).toBe(204)
  expect(browser.cookiesOf(api.url).has(SESSION)).toBe(false)
  expect(await viewerOf(copy)).toBeNull()
  expect(await sessionsOf('leaver@localhost')).toEqual([])
})

test.each([
  {},
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'same-site' },
])('another site cannot sign one out: %j', async (headers) => {
  const browser = await signIn(api, 'stayer')
  const response = await browser.post(`${api.url}/auth/sign-out`, {
    headers: headers as Record<string, string>,
  })
  expect(response.status).toBe(403)
  expect(await viewerOf(browser)).not.toBeNull()
})

test.each([
  ['30 days after it began', "expires_at = now() - interval '1 second'"],
  ['after 7 days without use', "seen_at = now() - interval '7 days 1 second'"],
])('a session ends %s', async (_when, change) => {
  const browser = await signIn(api, 'idler')
  expect(await viewerOf(browser)).not.toBeNull()
  await api.database.pool.query(
    `update session set ${change} where account_id = (select id from account where email = 'idler@localhost')`,
  )
  expect(await viewerOf(browser)).toBeNull()
})

test('use is noted, once a minute at most', async () => {
  const browser = await signIn(api, 'seen')
  const seenAt = async () =>
    (
      await api.database.pool.query<{ seen_at: Date; age: number }>(
        `select seen_at, extract(epoch from now() - seen_at)::int as age from session
          where account_id = (select id from account where email = 'seen@localhost')`,
      )
    ).rows[0]!
  const first = await seenAt()
  await viewerOf(browser)
  expect(await seenAt()).toMatchObject({ seen_at: first.seen_at })

  await api.database.pool.query(
    `update session set seen_at = now() - interval '2 minutes'
      where account_id = (select id from account where email = 'seen@localhost')`,
  )
  await viewerOf(browser)
  expect((await seenAt()).age).toBeLessThan(60)
})

test('an unverified email is refused, and nothing is made of it', async () => {
  const browser = createBrowser()
  const response = await browser.get(
    await passProvider(browser, await begin(api, browser), 'unverified-one'),
  )
  expect(response.status).toBe(403)
  expect(await response.text()).toContain('Verify it with the identity provider')
  expect(browser.cookiesOf(api.url).size).toBe(0)
  const { rows } = await api.database.pool.query(
    "select 1 from identity where subject = 'unverified-one'",
  )
  expect(rows).toEqual([])
})

test('cancelling at the identity provider is said plainly', async () => {
  const browser = createBrowser()
  const response = await browser.get(await passProvider(browser, await begin(api, browser), null))
  expect(response.status).toBe(403)
  expect(await response.text()).toContain('You did not sign in')
})

test.each<[string, number, (callback: URL, jar: Map<string, string>) => void]>([
  ['another state', 400, (callback) => callback.searchParams.set('state', 'x'.repeat(43))],
  ['no state', 400, (callback) => callback.searchParams.delete('state')],
  [
    'two states',
    400,
    (callback) => callback.searchParams.append('state', callback.searchParams.get('state')!),
  ],
  ['no cookie', 400, (_callback, jar) => jar.clear()],
  [
    'a changed cookie',
    400,
    (_callback, jar) => jar.set(ATTEMPT, `${jar.get(ATTEMPT)!.slice(0, -2)}AA`),
  ],
  [
    'a cookie of our making',
    400,
    (_callback, jar) => jar.set(ATTEMPT, 'eyJhbGciOiJub25lIn0..e30.'),
  ],
  ['another code', 400, (callback) => callback.searchParams.set('code', 'x'.repeat(43))],
  ['no code', 400, (callback) => callback.searchParams.delete('code')],
  ['another issuer', 400, (callback) => callback.searchParams.set('iss', 'https://evil.example')],
  ['no issuer', 400, (callback) => callback.searchParams.delete('iss')],
])('a callback with %s gives no session', async (_what, status, tamper) => {
  const browser = createBrowser()
  const callback = await passProvider(browser, await begin(api, browser), 'tampered')
  tamper(callback, browser.cookiesOf(api.url))
  const response = await browser.get(callback)
  expect(response.status).toBe(status)
  expect(await response.text()).toContain('Start again')
  expect(browser.cookiesOf(api.url).has(SESSION)).toBe(false)
})

test('a callback is good once, even with a copy of the cookie', async () => {
  const browser = createBrowser()
  const callback = await passProvider(browser, await begin(api, browser), 'replayed')
  const thief = createBrowser()
  thief.cookiesOf(api.url).set(ATTEMPT, browser.cookiesOf(api.url).get(ATTEMPT)!)

  expect((await browser.get(callback)).status).toBe(302)
  expect((await browser.get(callback)).status).toBe(400)
  expect((await thief.get(callback)).status).toBe(400)
  expect(thief.cookiesOf(api.url).has(SESSION)).toBe(false)
})

test("another's callback cannot be slipped into one's own sign-in", async () => {
  const attacker = createBrowser()
  const injected = await passProvider(attacker, await begin(api, attacker), 'attacker')
  const victim = createBrowser()
  const own = await begin(api, victim)

  expect((await victim.get(injected)).status).toBe(400)
  // With the victim's own state, PKCE and nonce still tell.
  await begin(api, victim)
  const again = await begin(api, victim)
  expect(again.searchParams.get('state')).not.toBe(own.searchParams.get('state'))
  injected.searchParams.set('state', again.searchParams.get('state')!)
  expect((await victim.get(injected)).status).toBe(400)
  expect(victim.cookiesOf(api.url).has(SESSION)).toBe(false)
})

test.each(['nonce', 'code_challenge'])('an answer for another %s is refused', async (name) => {
  const browser = createBrowser()
  const authorize = await begin(api, browser)
  authorize.searchParams.set(name, 'x'.repeat(43))
  const response = await browser.get(await passProvider(browser, authorize, 'swapped'))
  expect(response.status).toBe(400)
  expect(browser.cookiesOf(api.url).has(SESSION)).toBe(false)
})

test('a sign-in that took over ten minutes is refused', async () => {
  const browser = createBrowser()
  const callback = await passProvider(browser, await begin(api, browser), 'slow')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * MINUTE_MS })
  const response = await browser.get(callback)
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('expired')
})

test('an identity provider that cannot be reached is said so, and asked again next time', async () => {
  const away = await startApi()
  const { issuer } = away
  await away.provider.stop()
  const response = await createBrowser().get(`${away.url}/auth/sign-in`)
  expect(response.status).toBe(502)
  expect(await response.text()).toContain('could not sign you in')

  const back = await startIdentityProvider({
    ...away.provider.options,
    port: Number(new URL(issuer).port),
  })
  expect(await signIn(away, 'back')).toBeDefined()
  await back.stop()
  await away.stop()
})

test('no token, code or secret was logged', async () => {
  const browser = createBrowser()
  const callback = await passProvider(browser, await begin(api, browser), 'logged')
  callback.searchParams.set('state', 'x')
  await browser.get(callback)
  const text = api.logged.join('\n')
  expect(text).toContain('attempt_mismatch')
  expect(text).not.toContain(callback.searchParams.get('code'))
  expect(text).not.toMatch(/a client secret of these tests|a session secret of these tests/)
})

test('an address that is not there is 404 as JSON, never cached, never indexed', async () => {
  for (const path of [
    '/',
    '/auth/',
    '/auth/unknown',
    '/graphql/',
    '/graphqlx',
    '//graphql',
    '/auth/sign-out',
  ]) {
    const response = await fetch(`${api.url}${path}`)
    expect([path, response.status]).toEqual([path, 404])
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-robots-tag')).toBe('noindex')
  }
})
