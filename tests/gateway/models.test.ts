import { afterAll, beforeAll, expect, test } from 'vitest'
import { charge, pricesLiveAt } from '@smartoken/prisma/catalog'
import { rate } from '@smartoken/prisma/money'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  // Only DeepSeek has a key, and there is no sandbox.
  gateway = await startGateway({
    upstreamUrl: upstream.url,
    env: Object.fromEntries(
      ['DASHSCOPE', 'MOONSHOT', 'ZAI', 'ARK', 'MINIMAX'].map((env) => [`${env}_API_KEY`, '']),
    ),
  })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

interface Listed {
  readonly id: string
  readonly status: string
  readonly prices: readonly {
    readonly id: string
    readonly tiers: readonly { readonly input: string; readonly output: string }[]
  }[]
}

const get = (path: string) => fetch(`${gateway.url}/v1/models${path}`)

test('every model sold is listed without a key, in OpenAI’s shape', async () => {
  const answer = await get('')
  expect(answer.headers.get('x-request-id')).toMatch(/^req_00/)
  const list = (await answer.json()) as { object: string; catalog: string; data: Listed[] }
  const { catalog } = gateway.services
  expect(list).toMatchObject({ object: 'list', catalog: catalog.digest })
  expect(list.data.map(({ id }) => id)).toEqual(
    catalog.models.filter(({ sold }) => sold).map(({ id }) => id),
  )
  for (const model of list.data) {
    expect(model).toMatchObject({
      object: 'model',
      created: expect.any(Number),
      owned_by: expect.any(String),
    })
  }
})

test('a model without a configured route is listed as unavailable and answers 503', async () => {
  expect(await (await get('/deepseek-chat')).json()).toMatchObject({ status: 'available' })
  expect(await (await get('/kimi-k3')).json()).toMatchObject({ status: 'unavailable' })
  const refused = await chat(gateway, saying('hi', { model: 'kimi-k3' }))
  expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'model_unavailable' })
  expect(upstream.calls).toEqual([])
})

test('every model is found by its id and by each alias, encoded or not', async () => {
  for (const model of gateway.services.catalog.models.filter(({ sold }) => sold)) {
    for (const id of [model.id, ...model.aliases.map((alias) => alias.id)]) {
      for (const path of [id, encodeURIComponent(id)]) {
        expect([path, await (await get(`/${path}`)).json()]).toMatchObject([path, { id: model.id }])
      }
    }
  }
})

test('the prices listed are those that are charged', async () => {
  const list = (await (await get('')).json()) as { data: Listed[] }
  const { catalog } = gateway.services
  for (const listed of list.data) {
    const model = catalog.models.find(({ id }) => id === listed.id)!
    for (const price of pricesLiveAt(model, new Date())) {
      const tier = listed.prices.find(({ id }) => id === price.id)!.tiers[0]!
      const million = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
      // A thousand tokens stay in the first tier of every price; 1,000 × rate / 1,000 nUSD.
      expect(charge({ ...million, input: 1_000 }, price)).toBe(rate(tier.input))
      expect(charge({ ...million, output: 1_000 }, price)).toBe(rate(tier.output))
    }
  }
})
