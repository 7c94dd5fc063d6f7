import { newId } from '@smartoken/prisma/ids'
import { hashSecret, isWellFormed, secretFromSeed } from '@smartoken/prisma/keys'
import { ensureDemoAccount } from '@smartoken/api/demo-account'
import { credit } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Browser, codesOf, createBrowser, signIn } from './browser.ts'
import { addRequests } from './requests.ts'
import { startApi, type TestApi } from './start-api.ts'

let api: TestApi
beforeAll(async () => void (api = await startApi()))
afterAll(() => api.stop())

const CREATE = `mutation ($name: String!) { createApiKey(input: { name: $name }) {
  secret apiKey { id name hint createdAt lastUsedAt revokedAt } } }`
const REVOKE = `mutation ($id: ID!) { revokeApiKey(input: { id: $id }) {
  apiKey { id revokedAt } account { apiKeys { id revokedAt } } } }`

interface Key {
  id: string
  name: string
  hint: string
  revokedAt: string | null
}
type Created = { createApiKey: { secret: string; apiKey: Key } }
type Revoked = { revokeApiKey: { apiKey: Key; account: { apiKeys: Key[] } } }

const createKey = async (browser: Browser, name = 'a key') =>
  (await ask<Created>(api, browser, CREATE, { name })).data.createApiKey

async function accountIdOf(browser: Browser): Promise<string> {
  const { data } = await ask<{ viewer: { id: string } }>(api, browser, '{ viewer { id } }')
  return data.viewer.id
}

describe('signed out', () => {
  test('there is no viewer, and that is no error', async () => {
    expect(await ask(api, createBrowser(), '{ viewer { id email } }')).toEqual({
      status: 200,
      data: { viewer: null },
    })
  })

  test.each([
    ['createApiKey', CREATE, { name: 'a key' }],
    ['revokeApiKey', REVOKE, { id: newId('apiKey') }],
  ])('%s asks to sign in first', async (_name, query, variables) => {
    const answer = await ask(api, createBrowser(), query, variables)
    expect(codesOf(answer)).toEqual(['UNAUTHENTICATED'])
  })
})

describe('the wallet', () => {
  const WALLET = '{ viewer { wallet { posted held available paid promo } } }'

  test('of a new account is empty, even before it has a row', async () => {
    const browser = await signIn(api, 'empty')
    const empty = { posted: '0.00', held: '0.00', available: '0.00', paid: '0.00', promo: '0.00' }
    expect((await ask(api, browser, WALLET)).data).toEqual({ viewer: { wallet: empty } })
    await api.database.pool.query('delete from wallet where account_id = $1', [
      await accountIdOf(browser),
    ])
    expect((await ask(api, browser, WALLET)).data).toEqual({ viewer: { wallet: empty } })
  })

  test('tells paid from promo and held from available, to the last nUSD', async () => {
    const browser = await signIn(api, 'rich')
    const accountId = await accountIdOf(browser)
    const entry = { accountId, withdrawable: false } as const
    await credit(api.database.pool, [
      {
        ...entry,
        ref: 'order-1',
        kind: 'top_up',
        source: 'cash_in:test',
        amount: usd('20.000000001'),
      },
      {
        ...entry,
        ref: 'gift',
        kind: 'promo',
        source: 'promo_expense',
        amount: usd('5'),
        campaign: 'welcome',
      },
    ])
    await api.database.pool.query('update wallet set held = 1500000000 where account_id = $1', [
      accountId,
    ])
    expect((await ask(api, browser, WALLET)).data).toEqual({
      viewer: {
        wallet: {
          posted: '25.000000001',
          held: '1.50',
          available: '23.500000001',
          paid: '20.000000001',
          promo: '5.00',
        },
      },
    })
  })
})

describe('API keys', () => {
  test('a new key is shown once and stored as a hash', async () => {
    const browser = await signIn(api, 'keeper')
    const { secret, apiKey } = await createKey(browser, '  laptop ')
    expect(isWellFormed(secret)).toBe(true)
    expect(apiKey).toMatchObject({ name: 'laptop', lastUsedAt: null, revokedAt: null })
    expect(secret.endsWith(apiKey.hint.slice(-4))).toBe(true)

    const { rows } = await api.database.pool.query('select * from api_key where id = $1', [
      apiKey.id,
    ])
    expect(rows).toMatchObject([
      { secret_hash: hashSecret(secret), account_id: await accountIdOf(browser) },
    ])
    expect(
      JSON.stringify(rows, (_key, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      ),
    ).not.toContain(secret)
  })

  test.each([
    ['empty', ''],
    ['blank', ' \t\n '],
    ['too long', 'x'.repeat(61)],
    ['with a line break', 'a\nb'],
    ['with NUL', 'a\u0000b'],
    ['with a direction override', 'a\u202eb'],
  ])('a name that is %s is BAD_INPUT', async (_what, name) => {
    const browser = await signIn(api, 'namer')
    const answer = await ask<Created | null>(api, browser, CREATE, { name })
    expect(codesOf(answer)).toEqual(['BAD_INPUT'])
    expect(answer.errors![0]!.message).toMatch(/^name: /)
  })

  test('60 characters in any script are a name', async () => {
    const browser = await signIn(api, 'namer')
    expect((await createKey(browser, '名'.repeat(60))).apiKey.name).toBe('名'.repeat(60))
  })

  test('fields of other tables or types are no input', async () => {
    const browser = await signIn(api, 'namer')
    for (const field of ['accountId', 'id', 'secret', 'hint', 'capTotal', 'revokedAt']) {
      const answer = await ask(
        api,
        browser,
        `mutation { createApiKey(input: { name: "a", ${field}: "1" }) { secret } }`,
      )
      expect(answer.status).toBe(400)
      expect(codesOf(answer)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    }
  })

  test('50 can be in use and no more, however many are asked for at once', async () => {
    const browser = await signIn(api, 'hoarder')
    for (let made = 0; made < 45; made += 1) await createKey(browser)
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        ask<Created | null>(api, browser, CREATE, { name: 'one of many' }),
      ),
    )
    expect(answers.filter(({ data }) => data !== null)).toHaveLength(5)
    expect(answers.flatMap(codesOf)).toEqual(Array.from({ length: 7 }, () => 'LIMIT_REACHED'))

    const { data } = await ask<{ viewer: { apiKeys: Key[] } }>(
      api,
      browser,
      '{ viewer { apiKeys { id } } }',
    )
    expect(data.viewer.apiKeys).toHaveLength(50)
    await ask(api, browser, REVOKE, { id: data.viewer.apiKeys[0]!.id })
    expect((await createKey(browser)).secret).toBeDefined()
  })

  test('those in use come first, then the revoked, each newest first', async () => {
    const browser = await signIn(api, 'lister')
    const keys: Key[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      keys.push((await createKey(browser, name)).apiKey)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await ask(api, browser, REVOKE, { id: keys[3]!.id })
    const { data } = await ask<{ viewer: { apiKeys: Key[] } }>(
      api,
      browser,
      '{ viewer { apiKeys { name } } }',
    )
    expect(data.viewer.apiKeys.map(({ name }) => name)).toEqual(['c', 'b', 'a', 'd'])
  })

  test('revoking is done once: the second time changes nothing', async () => {
    const browser = await signIn(api, 'revoker')
    const { apiKey } = await createKey(browser)
    const first = (await ask<Revoked>(api, browser, REVOKE, { id: apiKey.id })).data.revokeApiKey
    expect(first.apiKey.revokedAt).not.toBeNull()
    expect(first.account.apiKeys).toEqual([first.apiKey])
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await ask<Revoked>(api, browser, REVOKE, { id: apiKey.id })).data.revokeApiKey).toEqual(
      first,
    )
  })
})

describe('requests', () => {
  const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String) {
    viewer { requests(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id requestId apiKey { name } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
  type Page = {
    viewer: {
      requests: {
        edges: {
          cursor: string
          node: { id: string; requestId: string; apiKey: { name: string } }
        }[]
        pageInfo: {
          hasNextPage: boolean
          hasPreviousPage: boolean
          startCursor: string
          endCursor: string
        }
      }
    }
  }

  async function withRequests(name: string, count: number) {
    const browser = await signIn(api, name)
    const { apiKey } = await createKey(browser)
    const accountId = await accountIdOf(browser)
    const ids = await addRequests(api.database.pool, { accountId, apiKeyId: apiKey.id }, count)
    return { browser, newestFirst: ids.toReversed() }
  }

  test('45 are read newest first over three pages of 20, none twice and none left out', async () => {
    const { browser, newestFirst } = await withRequests('reader', 45)
    const read: string[] = []
    const sizes: number[] = []
    let after: string | undefined
    for (let page = 0; page < 3; page += 1) {
      const { edges, pageInfo } = (await ask<Page>(api, browser, PAGE, { after })).data.viewer
        .requests
      read.push(...edges.map(({ node }) => node.requestId))
      sizes.push(edges.length)
      expect(pageInfo.hasNextPage).toBe(page < 2)
      after = pageInfo.endCursor
    }
    expect(sizes).toEqual([20, 20, 5])
    expect(read).toEqual(newestFirst)
  })

  test('and back again with last and before', async () => {
    const { browser, newestFirst } = await withRequests('back-reader', 7)
    const { edges, pageInfo } = (
      await ask<Page>(api, browser, PAGE, { last: 3, before: newestFirst[5] })
    ).data.viewer.requests
    expect(edges.map(({ node }) => node.id)).toEqual(newestFirst.slice(2, 5))
    expect(pageInfo.hasPreviousPage).toBe(true)
  })

  test.each([
    ['first: 101', { first: 101 }, 'first: at most 100 at once'],
    ['first: -1', { first: -1 }, 'first: at least 0'],
    ['last: 101', { last: 101 }, 'last: at most 100 at once'],
    [
      'a cursor that is none',
      { after: 'x' },
      'This is not a cursor: use one of `edges` or `pageInfo`.',
    ],
    [
      'a cursor with NUL',
      { before: '\u0000' },
      'This is not a cursor: use one of `edges` or `pageInfo`.',
    ],
  ])('%s is BAD_INPUT', async (_what, variables, message) => {
    const answer = await ask(api, await signIn(api, 'limited'), PAGE, variables)
    expect(codesOf(answer)).toEqual(['BAD_INPUT'])
    expect(answer.errors![0]!.message).toBe(message)
  })

  test('first: 100 is a page, and first: 0 an empty one', async () => {
    const { browser } = await withRequests('hundred', 101)
    expect(
      (await ask<Page>(api, browser, PAGE, { first: 100 })).data.viewer.requests.edges,
    ).toHaveLength(100)
    expect((await ask<Page>(api, browser, PAGE, { first: 0 })).data.viewer.requests.edges).toEqual(
      [],
    )
  })

  test('one has all of its bill', async () => {
    const { browser, newestFirst } = await withRequests('biller', 1)
    const { data } = await ask(
      api,
      browser,
      `query ($id: ID!) { node(id: $id) { ... on Request { model modelAsked endpoint stream route provider sandbox status
        outcome errorCode finishReason inputTokens cachedInputTokens cacheWriteTokens outputTokens thinkingOutputTokens
        usageSource usageFlag priceId charge excused shortfall refunded } } }`,
      { id: newestFirst[0] },
    )
    expect(data).toEqual({
      node: {
        model: 'deepseek-v3',
        modelAsked: 'deepseek-chat',
        endpoint: '/v1/chat/completions',
        stream: true,
        route: 'deepseek-v3@sandbox',
        provider: 'sandbox',
        sandbox: true,
        status: 200,
        outcome: 'completed',
        errorCode: null,
        finishReason: 'stop',
        inputTokens: 120,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 2147483647,
        thinkingOutputTokens: 0,
        usageSource: 'provider',
        usageFlag: null,
        priceId: 'price_1',
        charge: '0.000143',
        excused: '0.00',
        shortfall: '0.00',
        refunded: '0.00',
      },
    })
  })

  test('a count that does not fit is an error, never a wrong number', async () => {
    const { browser, newestFirst } = await withRequests('overflow', 1)
    await api.database.pool.query('update request set output_tokens = 2147483648 where id = $1', [
      newestFirst[0],
    ])
    const answer = await ask(
      api,
      browser,
      'query ($id: ID!) { node(id: $id) { ... on Request { outputTokens } } }',
      {
        id: newestFirst[0],
      },
    )
    expect(answer).toMatchObject({
      data: { node: null },
      errors: [{ path: ['node', 'outputTokens'] }],
    })
  })
})

test('the demo account is made once, has ten promo dollars, and is who signs in by its name', async () => {
  const demo = {
    issuer: api.issuer,
    name: 'demo',
    secret: secretFromSeed('the seed of these tests'),
  }
  const ensure = (issuer = demo.issuer) =>
    ensureDemoAccount(api.services, api.database.pool, { ...demo, issuer })
  const accountId = await ensure()
  expect(await ensure()).toBe(accountId)
  expect(await ensure('http://127.0.0.1:1')).toBe(accountId)

  const browser = await signIn(api, 'demo')
  const { data } = await ask(api, browser, '{ viewer { id wallet { promo } apiKeys { hint } } }')
  expect(data).toEqual({
    viewer: { id: accountId, wallet: { promo: '10.00' }, apiKeys: [{ hint: demo.secret.hint }] },
  })
})
