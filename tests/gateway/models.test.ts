import { modelEntry } from '../../gateway/src/endpoints/model-entry.ts'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { charge, findModel, pricesLiveAt, quote } from '@smartoken/prisma/catalog'
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
    health: {},
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

test('it costs nothing to ask again: the same body under the same tag, and none for who has it', async () => {
  const [first, second] = [await get(''), await get('')]
  const etag = first.headers.get('etag')!
  expect(etag).toMatch(/^"[\w-]{22}"$/)
  // A minute may have begun between the two.
  expect([etag, (await get('')).headers.get('etag')]).toContain(second.headers.get('etag'))
  const headers = { 'if-none-match': second.headers.get('etag')! }
  const again = await fetch(`${gateway.url}/v1/models`, { headers })
  expect(await again.text()).toHaveLength(again.status === 304 ? 0 : (await second.text()).length)
  const other = await fetch(`${gateway.url}/v1/models`, { headers: { 'if-none-match': '"x"' } })
  expect(other.status).toBe(200)
})

test('a page of any origin may list models, with a key in its request, and may not chat', async () => {
  const origin = 'https://chat.example'
  const preflight = (path: string, method: string) =>
    fetch(`${gateway.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization',
      },
    })
  for (const path of ['/v1/models', '/v1/models/qwen/qwen-plus']) {
    const allowed = await preflight(path, 'GET')
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization')
    const answer = await fetch(`${gateway.url}${path}`, { headers: { origin } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  }
  const refused = await preflight('/v1/chat/completions', 'POST')
  expect(refused.headers.get('access-control-allow-origin')).toBeNull()
})

test('the SDK lists and finds models with the facts beside OpenAI’s', async () => {
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none-is-needed' })
  const ids = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toContain('glm-5.2')
  expect(await client.models.retrieve('moonshotai/kimi-k2')).toMatchObject({ id: 'kimi-k2' })
})

test('what OpenRouter’s clients read is there, exact to the token', async () => {
  const { catalog } = gateway.services
  const { price } = quote(catalog, findModel(catalog, 'qwen-plus')!.model, new Date())
  const entry = (await (await get('/qwen-plus')).json()) as { pricing: Record<string, string> }
  const { rates } = price.tiers[0]!
  // Rates are whole trillionths of a dollar a token.
  const picoUsd = (decimal = '') => BigInt(decimal.replace('.', '').padEnd(13, '0'))
  expect(picoUsd(entry.pricing['prompt'])).toBe(rates.input)
  expect(picoUsd(entry.pricing['completion'])).toBe(rates.output)
  expect(picoUsd(entry.pricing['input_cache_read'])).toBe(rates.cachedInput)
  expect(entry).toMatchObject({
    context_length: 1_000_000,
    architecture: { modality: 'text->text', input_modalities: ['text'] },
    top_provider: { max_completion_tokens: 32_768 },
    supported_parameters: expect.arrayContaining(['tools', 'response_format', 'reasoning']),
    deprecation: null,
    prices_coming: [],
  })
})

test('a model whose ways are not well is told so, and one that is to go says until when', async () => {
  const { catalog, health, upstreams } = gateway.services
  const { model } = findModel(catalog, 'deepseek-v4-pro')!
  const circuits = model.routes.flatMap((route) =>
    (upstreams.get(route.provider) ?? []).map((upstream) => health.of({ route, upstream })),
  )
  const each = (times: number, how: 'answered' | 'failed') => {
    for (const circuit of circuits)
      for (let time = 0; time < times; time += 1) circuit.enter()?.[how]()
  }
  const statuses = [await statusOf(model.id)]
  // Half of ten, then nearly all.
  each(5, 'answered')
  each(5, 'failed')
  statuses.push(await statusOf(model.id))
  each(100, 'failed')
  statuses.push(await statusOf(model.id))
  expect(statuses).toEqual(['available', 'degraded', 'unavailable'])

  const deprecation = { date: '2027-01-01', successor: 'deepseek-flash' }
  expect(modelEntry(catalog, { ...model, deprecation }, new Date(), 'available')).toMatchObject({
    deprecation,
  })
})

const statusOf = async (id: string) => ((await (await get(`/${id}`)).json()) as Listed).status

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
