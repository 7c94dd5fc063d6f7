import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, codesOf, createBrowser, signIn } from './browser.ts'
import { startApi, type TestApi } from './start-api.ts'

const API = join(import.meta.dirname, '../../api')

let api: TestApi
beforeAll(async () => void (api = await startApi()))
afterAll(() => api.stop())

const JSON_TYPE = { 'content-type': 'application/json' }

/** The media type whose statuses tell mistakes; for the old one they are 200 (GraphQL over HTTP, section 6.4.1). */
const STRICT = { ...JSON_TYPE, accept: 'application/graphql-response+json' }

const post = (body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** Our own types end before the limit; introspection goes as deep as one likes. */
const deepIntrospection = (levels: number) =>
  `{ __type(name: "Account") { ${'ofType { '.repeat(levels)} name ${'} '.repeat(levels)} } }`

const fragmentChain = (levels: number) =>
  `{ __type(name: "Account") { ...F0 } } ${Array.from(
    { length: levels },
    (_, at) =>
      `fragment F${at} on __Type { ofType { ${at + 1 < levels ? `...F${at + 1}` : 'name'} } }`,
  ).join(' ')}`

const TOO_COMPLEX = 'QUERY_TOO_COMPLEX'

describe('documents past a limit are refused with 400 before anything runs', () => {
  test.each<[string, string, string]>([
    ['9 levels', deepIntrospection(8), TOO_COMPLEX],
    ['9 levels in fragments', fragmentChain(8), TOO_COMPLEX],
    [
      '16 aliases',
      `{ ${Array.from({ length: 16 }, (_, at) => `a${at}: viewer { id }`).join(' ')} }`,
      TOO_COMPLEX,
    ],
    [
      '16 aliases in fragments',
      `{ ...A ...B } fragment A on Query { ${Array.from({ length: 8 }, (_, at) => `a${at}: viewer { id }`).join(' ')} }
        fragment B on Query { ${Array.from({ length: 8 }, (_, at) => `b${at}: viewer { id }`).join(' ')} }`,
      TOO_COMPLEX,
    ],
    [
      '16 mutations at once',
      `mutation { ${Array.from({ length: 16 }, (_, at) => `m${at}: createApiKey(input: { name: "a" }) { secret }`).join(' ')} }`,
      TOO_COMPLEX,
    ],
    ['1,001 tokens', `{ ${'__typename '.repeat(999)} }`, TOO_COMPLEX],
    ['100,000 tokens', `{ ${'__typename '.repeat(8_000)} }`, TOO_COMPLEX],
    ['21 directives', `{ __typename ${'@skip(if: false) '.repeat(21)} }`, TOO_COMPLEX],
    ['directives nobody knows', `{ __typename ${'@aa'.repeat(300)} }`, TOO_COMPLEX],
    [
      'too much at once',
      `{ ${Array.from({ length: 14 }, (_, at) => `a${at}: viewer { requests(first: 100) { edges { node { id model charge openedAt } } } }`).join(' ')} }`,
      TOO_COMPLEX,
    ],
    // Two ways past the depth limit that earlier versions of the library let through.
    [
      '9 levels behind a fragment named __schema',
      `{ __type(name: "Account") { ...__schema } } fragment __schema on __Type { ${'ofType { '.repeat(7)} name ${'} '.repeat(7)} }`,
      TOO_COMPLEX,
    ],
    [
      '9 levels by a fragment used twice',
      `{ shallow: __type(name: "Account") { ...F } deep: __type(name: "Account") { ofType { ofType { ofType { ofType { ...F } } } } } }
        fragment F on __Type { ofType { ofType { ofType { ofType { name } } } } }`,
      TOO_COMPLEX,
    ],
    [
      'introspection that multiplies itself',
      `{ __schema { types { ${'fields { type { '.repeat(8)} name ${'} } '.repeat(8)} } } }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a cycle of fragments',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a fragment of itself',
      '{ ...A } fragment A on Query { viewer { id } ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a field nobody knows', '{ operators { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a subscription', 'subscription { viewer { id } }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s', async (_what, query, code) => {
    for (const accept of [
      'application/graphql-response+json',
      'application/json',
      'text/event-stream',
      '*/*',
    ]) {
      const response = await post({ query }, { ...JSON_TYPE, accept })
      const text = await response.text()
      expect(text).toContain(`"code":"${code}"`)
      // GraphQL over HTTP has a document that is merely wrong answered with 200 where only the old media type is taken.
      const status = code === TOO_COMPLEX || accept.includes('graphql') ? 400 : 200
      expect([accept, response.status]).toEqual([accept, status])
    }
  })

  test('what is within them passes: 8 levels, 15 aliases, a page of 100 with all fields', async () => {
    for (const query of [
      deepIntrospection(6),
      `{ ${Array.from({ length: 15 }, (_, at) => `a${at}: __typename`).join(' ')} }`,
      `{ viewer { id email name createdAt wallet { posted held available paid promo } apiKeys { id name hint revokedAt }
        requests(first: 100) { edges { cursor node { id requestId apiKey { id name } model modelAsked endpoint stream route
        provider sandbox status outcome errorCode finishReason inputTokens cachedInputTokens cacheWriteTokens outputTokens
        thinkingOutputTokens usageSource priceId charge openedAt firstOutputAt finishedAt } }
        pageInfo { hasNextPage endCursor } } } }`,
    ]) {
      expect(await ask(api, createBrowser(), query)).toMatchObject({ status: 200, data: {} })
    }
  })

  test('the limits themselves are not told', async () => {
    const text = await (await post({ query: deepIntrospection(20) })).text()
    expect(text).toContain('nests too many levels')
    expect(text).not.toMatch(/\d/)
  })
})

describe('requests that are not the console asking are refused', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const mutation = 'mutation { createApiKey(input: { name: "a" }) { secret } }'

  test.each<[string, number, () => Promise<Response>]>([
    ['a form post', 403, () => post('query={viewer{id}}', form)],
    [
      'a plain text post',
      403,
      () => post('{"query":"{viewer{id}}"}', { 'content-type': 'text/plain' }),
    ],
    [
      'a post of no type',
      403,
      () => fetch(`${api.url}/graphql`, { method: 'POST', body: new Uint8Array([123, 125]) }),
    ],
    [
      'a multipart post',
      403,
      () => {
        const body = new FormData()
        body.set('query', '{viewer{id}}')
        return fetch(`${api.url}/graphql`, { method: 'POST', body })
      },
    ],
    ['a GET', 403, () => fetch(`${api.url}/graphql?query={viewer{id}}`)],
    [
      'a mutation by GET',
      405,
      () =>
        fetch(`${api.url}/graphql?query=${encodeURIComponent(mutation)}`, {
          headers: { 'x-graphql-yoga-csrf': '1' },
        }),
    ],
    ['a batch', 400, () => post([{ query: '{ viewer { id } }' }, { query: '{ viewer { id } }' }])],
    ['no document', 400, () => post({}, STRICT)],
    ['a document that is no text', 400, () => post({ query: 1 }, STRICT)],
    [
      'variables that are no object',
      400,
      () => post({ query: '{ __typename }', variables: 'x' }, STRICT),
    ],
    ['a body that is not JSON', 400, () => post('{"query":', STRICT)],
    ['null', 400, () => post('null', STRICT)],
    ['a body over 100 kB', 413, () => post({ query: `{ __typename } #${'x'.repeat(100_000)}` })],
    [
      'a PUT',
      405,
      () => fetch(`${api.url}/graphql`, { method: 'PUT', headers: JSON_TYPE, body: '{}' }),
    ],
  ])('%s', async (_what, status, send) => {
    const response = await send()
    expect(response.status).toBe(status)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-robots-tag')).toBe('noindex')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    await response.body?.cancel()
  })

  test('100 kB are counted as they come, whatever length was announced', async () => {
    const flooded = await startApi()
    const chunk = new TextEncoder().encode('x'.repeat(10_000))
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        if (sent > 50) controller.close()
        else controller.enqueue(chunk)
      },
    })
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      headers: JSON_TYPE,
      body,
      duplex: 'half',
    }
    const response = await fetch(`${flooded.url}/graphql`, init)
    expect(response.status).toBe(413)
    await response.body?.cancel()
    await flooded.stop()
  })
})

test('an error of ours is masked, and logged without what was asked', async () => {
  const broken = await startApi()
  const browser = await signIn(broken, 'broken')
  await broken.database.pool.query('alter table api_key rename to api_key_away')
  const answer = await ask(broken, browser, '{ viewer { apiKeys { id } } }')
  expect(answer.errors).toMatchObject([
    { message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
  ])
  expect(JSON.stringify(answer)).not.toMatch(/prisma|api_key|stack|select/i)
  expect(broken.logged.join('')).toContain('a GraphQL operation failed')
  await broken.stop()
})

test('an operation past its deadline is given up with 503', async () => {
  const slow = await startApi({ operationDeadlineMs: 300 })
  const browser = await signIn(slow, 'slow')
  const locker = await slow.database.pool.connect()
  await locker.query(
    'begin; lock table api_key in access exclusive mode; set idle_in_transaction_session_timeout = 0',
  )
  const answer = await ask(slow, browser, '{ viewer { apiKeys { id } } }')
  await locker.query('rollback')
  locker.release()
  expect(answer.status).toBe(503)
  expect(codesOf(answer)).toEqual(['DEADLINE_EXCEEDED'])
  await slow.stop()
})

describe('GraphiQL', () => {
  const open = async (from: TestApi, browser = createBrowser()) => {
    const cookie = [...browser.cookiesOf(from.url)].map((pair) => pair.join('=')).join('; ')
    return fetch(`${from.url}/graphql`, { headers: { accept: 'text/html,*/*;q=0.8', cookie } })
  }

  test('is for the signed-in outside development, and loads nothing from elsewhere', async () => {
    expect((await open(api)).status).toBe(403)
    const response = await open(api, await signIn(api, 'curious'))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.get('x-robots-tag')).toBe('noindex')
    const page = await response.text()
    expect(page).not.toMatch(/<script[^>]+src=|<link[^>]+href="http/)
  })

  test('is for anyone in development', async () => {
    const development = await startApi({ nodeEnv: 'development' })
    expect((await open(development)).status).toBe(200)
    await development.stop()
  })
})

test('introspection is allowed, and one whole introspection query is within the limits', async () => {
  const { getIntrospectionQuery } = await import('graphql')
  const query = getIntrospectionQuery({
    descriptions: true,
    inputValueDeprecation: true,
    specifiedByUrl: true,
  })
  expect((await ask(api, createBrowser(), query)).data).toHaveProperty('__schema')
})

test('GraphQL over HTTP: all 61 audits pass', async () => {
  const audits = serverAudits({
    url: `${api.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers)
      headers.set('x-graphql-yoga-csrf', '1')
      return fetch(url, { ...init, headers })
    },
  })
  const results = await Promise.all(audits.map((audit) => audit.fn()))
  expect(results.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(results).toHaveLength(61)
})

test('schema.graphql is current; `npm run print-schema -w api` writes it', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(API, 'src/print-schema.ts')])
  expect(readFileSync(join(API, 'schema.graphql'), 'utf8')).toBe(stdout)
})
