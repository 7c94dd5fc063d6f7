import { schema } from '@smartoken/api/schema'
import { newId } from '@smartoken/prisma/ids'
import type { GraphQLArgument, GraphQLInputObjectType, GraphQLObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Answer, type Browser, codesOf, createBrowser, signIn } from './browser.ts'
import { addRequests } from './requests.ts'
import { startApi, type TestApi } from './start-api.ts'

let api: TestApi
let mine: Tenant
let theirs: Tenant
beforeAll(async () => {
  api = await startApi()
  mine = await createTenant('mine')
  theirs = await createTenant('theirs')
})
afterAll(() => api.stop())

interface Tenant {
  readonly browser: Browser
  readonly ids: { readonly account: string; readonly apiKey: string; readonly request: string }
  /** Of all requests, newest first. */
  readonly requests: readonly string[]
}

async function createTenant(name: string): Promise<Tenant> {
  const browser = await signIn(api, name)
  const { data } = await ask<{ createApiKey: { apiKey: { id: string } } }>(
    api,
    browser,
    'mutation { createApiKey(input: { name: "a key" }) { apiKey { id } } }',
  )
  const apiKeyId = data.createApiKey.apiKey.id
  const viewer = await ask<{ viewer: { id: string } }>(api, browser, '{ viewer { id } }')
  const accountId = viewer.data.viewer.id
  const requests = await addRequests(api.database.pool, { accountId, apiKeyId }, 3)
  return {
    browser,
    ids: { account: accountId, apiKey: apiKeyId, request: requests[1]! },
    requests: requests.toReversed(),
  }
}

const kinds = ['account', 'apiKey', 'request'] as const
const NODE = `query ($id: ID!) { node(id: $id) { __typename id ... on Account { email } ... on ApiKey { name hint }
  ... on Request { charge apiKey { id } } } }`
const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
const REVOKE = 'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { apiKey { id } } }'
const AFTER = 'query ($after: String) { viewer { requests(after: $after) { edges { cursor } } } }'
const BEFORE =
  'query ($before: String) { viewer { requests(before: $before) { edges { cursor } } } }'

/** An answer without what differs by the id asked. */
const shapeOf = (answer: Answer<unknown>, id: string) =>
  JSON.parse(JSON.stringify(answer).replaceAll(id, 'ID')) as unknown

describe.each(kinds)('%s', (kind) => {
  test('is found by its id by its owner', async () => {
    expect((await ask(api, mine.browser, NODE, { id: mine.ids[kind] })).data).toMatchObject({
      node: { id: mine.ids[kind] },
    })
    expect((await ask(api, mine.browser, NODES, { ids: [mine.ids[kind]] })).data).toEqual({
      nodes: [{ id: mine.ids[kind] }],
    })
  })

  test.each([
    ['node', NODE, (id: string) => ({ id })],
    ['nodes', NODES, (id: string) => ({ ids: [id] })],
    ['revokeApiKey', REVOKE, (id: string) => ({ id })],
  ])('of another is to %s just as one that is not there', async (_name, query, variables) => {
    const foreign = theirs.ids[kind]
    const unknown = newId(kind)
    const answers = [foreign, unknown].map(async (id) =>
      shapeOf(await ask(api, mine.browser, query, variables(id)), id),
    )
    const [first, second] = await Promise.all(answers)
    expect(first).toEqual(second)
    expect(JSON.stringify(first)).not.toMatch(/theirs|hint|charge/)
  })

  test('is not found when signed out', async () => {
    const answer = await ask(api, createBrowser(), NODE, { id: mine.ids[kind] })
    expect(answer).toEqual({ status: 200, data: { node: null } })
  })
})

test("lists hold all that is one's own and nothing of another", async () => {
  for (const { browser, ids, requests } of [mine, theirs]) {
    const { data } = await ask(
      api,
      browser,
      '{ viewer { apiKeys { id } requests { edges { cursor } } } }',
    )
    expect(data).toEqual({
      viewer: {
        apiKeys: [{ id: ids.apiKey }],
        requests: { edges: requests.map((cursor) => ({ cursor })) },
      },
    })
  }
})

test("revoking another's key says NOT_FOUND and revokes nothing", async () => {
  const answer = await ask(api, mine.browser, REVOKE, { id: theirs.ids.apiKey })
  expect(codesOf(answer)).toEqual(['NOT_FOUND'])
  const { rows } = await api.database.pool.query('select revoked_at from api_key where id = $1', [
    theirs.ids.apiKey,
  ])
  expect(rows).toEqual([{ revoked_at: null }])
})

test.each([
  ['after', AFTER],
  ['before', BEFORE],
])(
  "another's request as `%s` tells nothing: it is only a place between one's own",
  async (name, query) => {
    const foreign = await ask(api, mine.browser, query, { [name]: theirs.ids.request })
    // As far along as the other's, and of nobody.
    const unknown = await ask(api, mine.browser, query, {
      [name]: `${theirs.ids.request.slice(0, -1)}0`,
    })
    expect(foreign).toEqual(unknown)
    expect(JSON.stringify(foreign)).not.toContain(theirs.ids.request)
  },
)

test("a request of one's own never shows a key of another, whatever the row says", async () => {
  const { account: accountId } = mine.ids
  const [id] = await addRequests(api.database.pool, { accountId, apiKeyId: theirs.ids.apiKey }, 1)
  const answer = await ask(api, mine.browser, NODE, { id })
  expect(codesOf(answer)).toEqual(['NOT_FOUND'])
  expect(answer.data).toEqual({ node: null })
  await api.database.pool.query('delete from request where id = $1', [id])
})

test.each([
  '',
  'x',
  'key_',
  'acc_00',
  'QXBpS2V5OjE=',
  'key_00\u000000000000000000000000000',
  `lot_00${'0'.repeat(26)}`,
  'key_00'.repeat(500),
])('what cannot be an id is BAD_INPUT: %j', async (id) => {
  expect(codesOf(await ask(api, mine.browser, NODE, { id }))).toEqual(['BAD_INPUT'])
  expect(codesOf(await ask(api, mine.browser, NODES, { ids: [id] }))).toEqual(['BAD_INPUT'])
  expect(codesOf(await ask(api, mine.browser, REVOKE, { id }))).toEqual(['BAD_INPUT'])
})

test('101 ids at once are BAD_INPUT', async () => {
  const answer = await ask(api, mine.browser, NODES, {
    ids: Array.from({ length: 101 }, () => newId('apiKey')),
  })
  expect(codesOf(answer)).toEqual(['BAD_INPUT'])
})

describe('the schema', () => {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  const objects = types.filter(
    (type): type is GraphQLObjectType => type.astNode === undefined && 'getInterfaces' in type,
  )

  /** They hold nothing of their own but what has an owner rule, or belongs to whoever asked. */
  const carriers = new Set([
    'Query',
    'Mutation',
    'PageInfo',
    'AccountRequestsConnection',
    'AccountRequestsConnectionEdge',
    'CreateApiKeyPayload',
    'RevokeApiKeyPayload',
    'Node',
  ])

  test('gives every type that holds data an owner rule', () => {
    const ruled = objects
      .filter(
        ({ extensions }) =>
          (extensions as { pothosOptions?: { authScopes?: unknown } }).pothosOptions?.authScopes,
      )
      .map(({ name }) => name)
    const unruled = objects.map(({ name }) => name).filter((name) => !ruled.includes(name))
    expect(new Set(unruled)).toEqual(carriers)
    expect(ruled.toSorted()).toEqual(['Account', 'ApiKey', 'Request', 'Wallet'])
  })

  test('takes ids and cursors only where the tests above tried one of another', () => {
    const taken = objects.flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) =>
        field.args.flatMap((argument) =>
          idsIn(argument).map((path) => `${type.name}.${field.name}(${path})`),
        ),
      ),
    )
    expect(taken.toSorted()).toEqual([
      'Account.requests(after)',
      'Account.requests(before)',
      'Mutation.createApiKey(input.name)',
      'Mutation.revokeApiKey(input.id)',
      'Query.node(id)',
      'Query.nodes(ids)',
    ])
  })

  test('describes everything', () => {
    const undescribed = types.flatMap((type) => [
      ...(type.description || /^(String|Int|Boolean|ID|Float)$/.test(type.name) ? [] : [type.name]),
      ...('getFields' in type
        ? Object.values(type.getFields()).flatMap((field) =>
            field.description ? [] : [`${type.name}.${field.name}`],
          )
        : []),
    ])
    expect(undescribed).toEqual([])
  })
})

/** Every argument that is text, by its path: any could be an id. */
function idsIn(argument: Pick<GraphQLArgument, 'name' | 'type'>): string[] {
  const named = String(argument.type).replaceAll(/[[\]!]/g, '')
  if (named === 'ID' || named === 'String') return [argument.name]
  const type = schema.getType(named)
  if (!type || !('getFields' in type)) return []
  return Object.values((type as GraphQLInputObjectType).getFields()).flatMap((field) =>
    idsIn(field).map((path) => `${argument.name}.${path}`),
  )
}
