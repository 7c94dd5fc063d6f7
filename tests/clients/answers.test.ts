import { charge, findModel } from '@smartoken/prisma/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import {
  events,
  json,
  startUpstream,
  type Behaviour,
  type TestUpstream,
} from '../support/upstream.ts'
import type { Answer, Question, Tool } from './client.ts'
import { clients, connectionTo } from './clients.ts'
import { shapes, shownUsage, type Said, type Shape } from './shapes.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
  await upstream.close()
})

const weather: Tool = {
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const clock: Tool = {
  name: 'get_time',
  description: 'The time in a zone.',
  parameters: { type: 'object', properties: { zone: { type: 'string' } }, required: ['zone'] },
}
const city = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
}
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** One thing people do with a client: what they ask, what the model says, what they then see. */
interface Scenario {
  readonly name: string
  readonly question: Omit<Question, 'model'>
  readonly said: Said
  readonly seen: Partial<Answer>
  /** What has to have reached the provider. */
  readonly sent?: object
}

const CITY = ['{"city": ', '"杭州", "people"', ': 12526000}']

const scenarios: readonly Scenario[] = [
  {
    name: 'chat',
    question: { text: '杭州怎么样？' },
    said: { text: ['杭州今天', '有小雨 🌦️', ', 18 °C.\n'] },
    seen: { text: '杭州今天有小雨 🌦️, 18 °C.\n', reasoning: '', calls: [], finish: 'stop' },
  },
  {
    name: 'reasoning',
    question: { text: 'What is 17 × 23?' },
    said: { reasoning: ['17 × 20 = 340, ', '再加 51。'], text: ['391', '.'] },
    seen: { text: '391.', reasoning: '17 × 20 = 340, 再加 51。', finish: 'stop' },
  },
  {
    name: 'two tools at once',
    question: { text: 'Weather and time in Hangzhou?', tools: [weather, clock] },
    said: {
      calls: [
        { id: 'call_00_a', name: 'get_weather', arguments: ['{"ci', 'ty": "杭', '州"}'] },
        { id: 'call_01_b', name: 'get_time', arguments: ['{"zone": ', '"Asia/Shanghai"}'] },
      ],
    },
    seen: {
      text: '',
      finish: 'tool_calls',
      calls: [
        { id: 'call_00_a', name: 'get_weather', input: { city: '杭州' } },
        { id: 'call_01_b', name: 'get_time', input: { zone: 'Asia/Shanghai' } },
      ],
    },
    sent: {
      tools: [
        { type: 'function', function: weather },
        { type: 'function', function: clock },
      ],
    },
  },
  {
    name: 'reasoning, text and a tool',
    question: { text: 'Weather?', tools: [weather] },
    said: {
      reasoning: ['Ask the tool.'],
      text: ['One moment. '],
      calls: [{ id: 'call_1', name: 'get_weather', arguments: ['{"city": "Hangzhou"}'] }],
    },
    seen: {
      text: 'One moment. ',
      reasoning: 'Ask the tool.',
      finish: 'tool_calls',
      calls: [{ id: 'call_1', name: 'get_weather', input: { city: 'Hangzhou' } }],
    },
  },
  {
    name: 'JSON mode',
    question: { text: 'The city as JSON.', json: 'object' },
    said: { text: CITY },
    seen: { text: CITY.join(''), finish: 'stop' },
    sent: { response_format: { type: 'json_object' } },
  },
]

/** What only some models do. */
const special: readonly (Scenario & { readonly provider: string; readonly model: string })[] = [
  {
    name: 'JSON of a schema',
    provider: 'Volcengine Ark',
    model: 'doubao-seed-1.6',
    question: { text: 'The city as JSON.', json: city },
    said: { text: CITY },
    seen: { text: CITY.join(''), finish: 'stop' },
    sent: {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: city } },
    },
  },
  {
    name: 'an image',
    provider: 'DashScope',
    model: 'qwen3-vl-plus',
    question: { text: 'What is it?', image: PIXEL },
    said: { text: ['A ', 'pixel.'] },
    seen: { text: 'A pixel.', finish: 'stop' },
    sent: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: PIXEL } },
          ],
        },
      ],
    },
  },
]

/** The answer of a provider's shape to either kind of request. */
const answering =
  (shape: Shape, said: Said): Behaviour =>
  (out, call) =>
    (call.body['stream'] ? events(...shape.stream(said)) : json(shape.plain(said)))(out, call)

/** The one request of the account: billed exactly what the provider reported, and taken from the wallet. */
async function expectCharged(
  account: TestAccount,
  modelId: string,
  usage: ReturnType<Shape['usage']>,
) {
  await gateway.quiet()
  const { rows } = await gateway.database.query<Record<string, unknown>>(
    'select * from request where account_id = $1',
    [account.accountId],
  )
  const { model } = findModel(gateway.services.catalog, modelId)!
  const due = charge(
    usage,
    model.prices.find(({ id }) => id === rows[0]!['price_id'])!,
  )
  expect(due).toBeGreaterThan(0n)
  expect(rows).toEqual([
    expect.objectContaining({ charge: due, outcome: 'completed', usage_source: 'provider' }),
  ])
  expect(await gateway.wallet(account)).toEqual({
    posted: 10_000_000_000n - due,
    held: 0n,
    openHolds: 0,
  })
}

const cases = [
  ...shapes.flatMap((shape) => scenarios.map((scenario) => ({ shape, scenario }))),
  ...special.map(({ provider, model, ...scenario }) => ({
    shape: { ...shapes.find((shape) => shape.provider === provider)!, model },
    scenario,
  })),
]

describe.each(clients)('%s', (_client, connect) => {
  test.each(cases)('$scenario.name, as $shape.provider answers', async ({ shape, scenario }) => {
    upstream.behave(answering(shape, scenario.said))
    const account = await gateway.newAccount()
    const client = connect(connectionTo(gateway, account))
    const answer = await client.ask({ ...scenario.question, model: shape.model })
    expect(answer).toMatchObject({ ...scenario.seen, usage: shownUsage(scenario.said) })
    expect(upstream.calls).toHaveLength(1)
    expect(upstream.calls[0]!.body).toMatchObject(scenario.sent ?? {})
    await expectCharged(account, shape.model, shape.usage(scenario.said))
  })

  test.each(cases)('$scenario.name, as $shape.provider streams it', async ({ shape, scenario }) => {
    upstream.behave(answering(shape, scenario.said))
    const account = await gateway.newAccount()
    const client = connect(connectionTo(gateway, account))
    const answer = await client.stream({ ...scenario.question, model: shape.model })
    expect(answer).toMatchObject({ ...scenario.seen, usage: shownUsage(scenario.said) })
    expect(answer.pieces).toEqual(scenario.said.text ?? [])
    expect(upstream.calls).toHaveLength(1)
    expect(upstream.calls[0]!.body).toMatchObject(scenario.sent ?? {})
    await expectCharged(account, shape.model, shape.usage(scenario.said))
  })
})
