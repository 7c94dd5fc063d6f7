import { graphql, parse, validate, type GraphQLArgs } from 'graphql'
import { expect, test } from 'vitest'
import { schema, SECRET, someKey, someRequest } from './api-server.fixture.ts'
import {
  createApiKey,
  readAccount,
  readMoreRequests,
  revokeApiKey,
  type Operation,
} from './operations.ts'

const operations = { readAccount, readMoreRequests, createApiKey, revokeApiKey }

test.each(Object.entries(operations))('the schema has all that %s asks for', (_name, operation) => {
  expect(validate(schema, parse(operation))).toEqual([])
})

// The types beside the operations are written by hand. A value of the type that comes through the
// operation unchanged has every field that is asked for, and asks for every field it has.
test('the account is as its type says', async () => {
  const value = { viewer: { ...person, wallet, apiKeys, requests } }
  expect(await through(readAccount, value)).toEqual(value)
})

test('nobody is signed in, as the type says', async () => {
  expect(await through(readAccount, { viewer: null })).toEqual({ viewer: null })
})

test('a further page is as its type says', async () => {
  const value = { viewer: { id: person.id, requests } }
  expect(await through(readMoreRequests, value, { after: 'req_1' })).toEqual(value)
})

test('a new key is as its type says', async () => {
  const value = { createApiKey: { apiKey: someKey(), secret: SECRET } }
  expect(await through(createApiKey, value, { name: 'a server' })).toEqual(value)
})

test('what revoking answers is as its type says', async () => {
  const value = { revokeApiKey: { account: { apiKeys } } }
  expect(await through(revokeApiKey, value, { id: 'key_1' })).toEqual(value)
})

const person = { id: 'acc_1', email: 'reader@example.com', name: 'A reader' }
const wallet = { available: '0.90', posted: '1.00', held: '0.10', paid: '0.50', promo: '0.50' }
const apiKeys = [someKey(), someKey({ lastUsedAt: '2026-11-23T08:30:00.000Z' })]
const requests = {
  edges: [
    { node: someRequest(2, { errorCode: 'upstream_broke', provider: null, finishReason: null }) },
    { node: someRequest(1, { firstOutputAt: '2026-11-23T08:30:01.000Z' }) },
  ],
  pageInfo: { hasNextPage: true, endCursor: 'req_1' },
}

/** By way of JSON, as over the wire. @throws Error with what GraphQL says against the value */
async function through<Data, Variables extends GraphQLArgs['variableValues']>(
  source: Operation<Data, Variables>,
  rootValue: Data,
  variableValues?: Variables,
): Promise<unknown> {
  const { data, errors } = await graphql({ schema, source, rootValue, variableValues })
  if (errors?.[0]) throw errors[0]
  return JSON.parse(JSON.stringify(data))
}
