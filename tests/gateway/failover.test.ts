import { cost, type Catalog, type Route } from '@smartoken/prisma/catalog'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { providerKey } from '../support/canary/canaries.ts'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { json, startUpstream, type Behaviour, type TestUpstream } from '../support/upstream.ts'

let first: TestUpstream
let second: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  first = await startUpstream()
  second = await startUpstream()
  gateway = await startGateway({
    catalog: withSecondRoute,
    env: {
      DEEPSEEK_API_KEY: providerKey('first'),
      DEEPSEEK_BASE_URL: first.url,
      ARK_API_KEY: providerKey('second'),
      ARK_BASE_URL: second.url,
      // A provider whose port nobody listens on.
      ZAI_API_KEY: providerKey('no'),
      ZAI_BASE_URL: 'http://127.0.0.1:1/v1',
    },
    upstreamUrl: second.url,
  })
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await first.close()
  await second.close()
})

/** Gives deepseek-chat a dearer second route, and glm-4.6, whose own provider is away, one too. */
function withSecondRoute(catalog: Catalog): Catalog {
  const models = catalog.models.map((model) =>
    ['deepseek-chat', 'glm-4.6'].includes(model.id)
      ? { ...model, routes: [...model.routes, secondRoute(catalog)] }
      : model,
  )
  return { ...catalog, models }
}

function secondRoute(catalog: Catalog): Route {
  const dearer = catalog.models.find(({ id }) => id === 'kimi-k3')!.routes[0]!
  return { ...dearer, id: 'ark/other', provider: 'ark', upstreamModel: 'other', parameters: {} }
}

const answer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 500, completion_tokens: 100 },
}
const error = (status: number): Behaviour => json({ error: { message: 'no' } }, status)

test.each<[string, Behaviour]>([
  ['wants money of us', error(402)],
  ['is overloaded', error(429)],
  ['fails', error(500)],
  ['closes before its head', (out) => out.destroy()],
])('a second route answers where the first %s', async (_name, behaviour) => {
  first.behave(behaviour)
  second.behave(json(answer))
  const got = await chat(gateway, saying('x'.repeat(2_000)))
  expect(got.status).toBe(200)
  expect(got.headers.get('x-smartoken-route')).toBe('ark/other')
  expect(second.calls.length).toBe(1)
  expect(second.calls[0]!.body).toMatchObject({ model: 'other' })
  expect(second.calls[0]!.body).not.toHaveProperty('thinking')
  expect(second.calls[0]!.headers.authorization).toBe(`Bearer ${providerKey('second')}`)
  expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
    attempts: first.calls.length + 1,
    route: 'ark/other',
    provider: 'ark',
  })
})

test('a second route answers where nobody listens at the first', async () => {
  second.behave(json(answer))
  const got = await chat(gateway, saying('x'.repeat(2_000), { model: 'glm-4.6' }))
  expect(got.status).toBe(200)
  expect(got.headers.get('x-smartoken-route')).toBe('ark/other')
})

test('the price stays the model’s; the cost is the route’s', async () => {
  const rows = []
  for (const behaviour of [json(answer), error(500)]) {
    first.behave(behaviour)
    second.behave(json(answer))
    const got = await chat(gateway, saying('x'.repeat(2_000)))
    rows.push(await gateway.requestRow(got.headers.get('x-request-id')!))
  }
  const [cheap, dear] = rows
  expect(dear!.price_id).toBe(cheap!.price_id)
  expect(dear!.charge).toBe(cheap!.charge)
  const usage = { input: 500, cachedInput: 0, cacheWrite: 0, output: 100, thinkingOutput: 0 }
  const { catalog } = gateway.services
  expect(dear!['cost']).toBe(cost(catalog, usage, secondRoute(catalog), dear!['opened_at'] as Date))
  expect(dear!['cost']).not.toBe(cheap!['cost'])
})

test('a request that is wrong in itself is not tried twice', async () => {
  first.behave(error(400))
  second.behave(json(answer))
  expect(await errorOf(await chat(gateway, saying('hi')))).toMatchObject({
    status: 400,
    code: 'upstream_rejected',
  })
  expect(second.calls).toEqual([])
})

test('where every route fails, the last one’s error is told and nothing is charged', async () => {
  first.behave(error(429))
  second.behave(error(500))
  const got = await chat(gateway, saying('hi'))
  expect(await errorOf(got)).toMatchObject({ status: 503, code: 'upstream_unavailable' })
  await gateway.quiet()
  expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
    attempts: 2,
    charge: 0n,
    route: 'ark/other',
  })
})
