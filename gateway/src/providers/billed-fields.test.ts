import {
  charge,
  loadCatalog,
  mostExpensive,
  type Model,
  type PriceRow,
  type Rates,
  type Route,
} from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../errors.ts'
import { promptBound } from '../metering/input-bound.ts'
import { readChatRequest } from '../steps/read-chat-request.ts'
import { refuseUnpriced } from '../steps/refuse-unpriced.ts'
import type { Dealing } from './billed-fields.ts'
import { dialectOf } from './dialect-of.ts'
import { outputPerLimit, upstreamBody } from '../upstreams/upstream-body.ts'

const catalog = loadCatalog()
const providers = [...catalog.providers.keys()]

const account = 'account-1'
const user = (content: unknown) => [{ role: 'user', content }]
const tool = (description: string) => [{ type: 'function', function: { name: 'f', description } }]
const schema = (description: string) => ({ type: 'json_schema', json_schema: { description } })
const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
const marked = { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }
const long = 'long '.repeat(1_000)
const switches = [true, {}, { type: 'enabled' }, 1, 'on', false]
const numbers = [1, 100, 100_000, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 2 ** 63, -1, 0.5, 1e308, '5', true]

/** Values of each field, from less to more; what a provider is asked is one of these. */
const samples: Readonly<Record<string, readonly unknown[]>> = {
  messages: [
    user('a'),
    user(long),
    user([image]),
    user([image, image]),
    user([{ type: 'video_url' }]),
  ],
  tools: [
    tool('a'),
    tool(long),
    ...['web_search', 'builtin_function', 'retrieval', 'mcp'].map((type) => [{ type }]),
  ],
  functions: [[{ name: 'a' }], [{ name: long }]],
  response_format: [schema('a'), schema(long)],
  max_tokens: numbers,
  max_completion_tokens: numbers,
  reasoning_effort: ['none', 'low', 'high', 'max', 'xhigh', 5],
  thinking: [
    { type: 'disabled' },
    { type: 'enabled' },
    { type: 'adaptive', budget_tokens: 1e9 },
    true,
  ],
  enable_thinking: [false, 'true', 1, true],
  thinking_budget: numbers,
  vl_high_resolution_images: [false, true],
  n: [1, 2, 128, ...numbers.slice(1)],
  best_of: numbers,
  audio: [{ voice: 'a', format: 'wav' }],
  modalities: [['text'], ['text', 'audio']],
  prediction: [{ type: 'content', content: long }],
  service_tier: ['auto', 'priority', 'flex', 'default'],
  prompt_cache_retention: ['24h'],
  web_search_options: switches,
  web_search: switches,
  enable_search: switches,
  enable_enhancement: switches,
  search_options: switches,
  enable_code_interpreter: switches,
  plugins: [['web_search'], ...switches],
  caching: switches,
  context_id: ['ctx-1'],
  previous_response_id: ['resp-1'],
  cache_control: [{ type: 'ephemeral' }],
}

/** Fields as a request with one of them has them; thinking is on where a budget for it is asked. */
function fieldsWith(field: string, value: unknown): object {
  if (field === 'thinking_budget') return { enable_thinking: true, [field]: value }
  if (field === 'cache_control') return { messages: user([marked]) }
  return { [field]: value }
}

/** Models that stand in for a provider's own where the catalog has none: of each way of thinking. */
const STAND_INS = new Set(['deepseek-chat', 'deepseek-flash', 'qwen-plus', 'glm-5.3'])

/** The provider's models, or stand-ins with a route to it and to no other. */
function modelsOf(provider: string): Model[] {
  const own = catalog.models.filter(({ routes }) => routes.some((one) => one.provider === provider))
  if (own.length > 0) return own
  return catalog.models
    .filter(({ id }) => STAND_INS.has(id))
    .map((model) => ({ ...model, routes: [{ ...model.routes[0]!, provider, parameters: {} }] }))
}

const routeBy = ({ routes }: Model, provider: string): Route =>
  routes.find((one) => one.provider === provider)!

interface Admitted {
  readonly sent: Readonly<Record<string, unknown>>
  /** nUSD held for it at this price. */
  readonly hold: bigint
  /** nUSD that the most the provider can report comes to. */
  readonly worst: bigint
}

/** What a request of these fields holds and can cost by a price of the model, or the error it is refused with. */
function ask(model: Model, provider: string, price: PriceRow, fields: object): Admitted | ApiError {
  try {
    const body = { model: model.id, messages: user('a'), ...fields }
    const request = readChatRequest({
      fields: body,
      bytes: Buffer.byteLength(JSON.stringify(body)),
    })
    refuseUnpriced(model, request)
    const limit = Math.min(request.maxTokensAsked ?? model.defaultOutput, model.maxOutput)
    const route = routeBy(model, provider)
    const sent = JSON.parse(
      upstreamBody(model, route, request, limit, account).body,
    ) as Admitted['sent']
    const inputTokens = promptBound(request.prompt, model.context)
    const outputTokens = limit * outputPerLimit(model, request)
    return {
      sent,
      hold: mostExpensive(price, { inputTokens, outputTokens }),
      worst: dearest(price, inputTokens, mostOutput(model, provider, sent)),
    }
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

/** Providers whose limit is `max_completion_tokens`. */
const BY_COMPLETION = new Set(['moonshot', 'ark', 'minimax', 'mimo'])

/** Output tokens that the provider may bill for a body, by its own rules; infinite where nothing bounds them. */
function mostOutput(model: Model, provider: string, sent: Admitted['sent']): number {
  const limit = (field: string) =>
    typeof sent[field] === 'number' ? sent[field] : Number.POSITIVE_INFINITY
  if (provider.startsWith('dashscope')) {
    const thinks = sent['enable_thinking'] ?? model.thinking !== 'none'
    return limit('max_tokens') + (thinks === false ? 0 : limit('thinking_budget'))
  }
  if (!BY_COMPLETION.has(provider)) return limit('max_tokens')
  // A max_tokens beside it would count without reasoning.
  return 'max_tokens' in sent ? Number.POSITIVE_INFINITY : limit('max_completion_tokens')
}

const inputs = ['input', 'cachedInput', 'cacheWrite'] as const satisfies readonly (keyof Rates)[]
const outputs = ['output', 'thinkingOutput'] as const satisfies readonly (keyof Rates)[]
const none = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

/** The dearest that usage of so many tokens can be charged, in whatever classes it is reported. */
function dearest(price: PriceRow, input: number, output: number): bigint {
  if (!Number.isFinite(output)) return 2n ** 200n
  return inputs
    .flatMap((one) =>
      outputs.map((other) => charge({ ...none, [one]: input, [other]: output }, price)),
    )
    .reduce((left, right) => (left > right ? left : right))
}

describe.each(providers)('%s', (provider) => {
  const models = modelsOf(provider)
  const cases = Object.entries(dialectOf(provider).billed)

  test('has its own list of fields that change its bill, and models to try it on', () => {
    expect(dialectOf(provider)).not.toBe(dialectOf('nobody'))
    expect(models).not.toEqual([])
  })

  test.each(cases)('%s, which is %s, raises no cost without raising the hold', (field, dealing) => {
    const values = samples[field]!
    const tried = models.flatMap((model) =>
      model.prices.map((price): Tried => {
        const answers = values.map((value) => ask(model, provider, price, fieldsWith(field, value)))
        return { field, values, answers, plain: ask(model, provider, price, {}) as Admitted }
      }),
    )
    expect(tried.filter(({ answers }) => admitted(answers).some(isShort))).toEqual([])
    expect(tried.filter((one) => !isDealtWith[dealing](one))).toEqual([])
  })
})

interface Tried {
  readonly field: string
  readonly values: readonly unknown[]
  readonly answers: readonly (Admitted | ApiError)[]
  readonly plain: Admitted
}

const admitted = (answers: Tried['answers']): Admitted[] =>
  answers.filter((answer): answer is Admitted => !(answer instanceof ApiError))

/** Whether it can cost more than is held for it. */
const isShort = ({ worst, hold }: Admitted): boolean => worst > hold

/** Whether an answer is a refusal that names this field. */
function refuses(answer: Admitted | ApiError | undefined, field: string): boolean {
  if (!(answer instanceof ApiError)) return false
  const { error } = answer.toJSON() as { error: { code: string; param: string } }
  return error.code === 'unsupported_parameter' && error.param === field
}

const grows = (...answers: readonly (Admitted | ApiError | undefined)[]): boolean =>
  answers.every((answer, at) => {
    const before = answers[at - 1]
    if (!answer || answer instanceof ApiError || before instanceof ApiError) return false
    return !before || answer.hold > before.hold
  })

/** What beside a sufficient hold is expected of a field, by how it is said to be dealt with. */
const isDealtWith: Readonly<Record<Dealing, (tried: Tried) => boolean>> = {
  refused: ({ answers, field }) => answers.every((answer) => refuses(answer, field)),
  single: ({ values, answers, field }) =>
    answers.every((answer, at) => values[at] === 1 || refuses(answer, field)),
  functions: ({ answers: [little, much, ...others], plain }) =>
    grows(plain, little, much) && others.every((answer) => refuses(answer, 'tools.0.type')),
  // The hold grows with it, or it does not reach the provider as it was asked.
  held: ({ values, answers, field }) => {
    const [least, ...more] = admitted(answers)
    const most = more.at(-1)!
    return grows(least, most) || !values.slice(1).includes(most.sent[field])
  },
  covered: ({ answers, plain }) => admitted(answers).every(({ hold }) => hold >= plain.hold),
  priced: ({ answers: [answer], plain }) => refuses(answer, 'messages') || grows(plain, answer),
}

test('the samples are of listed fields, and every listed field has some', () => {
  const listed = new Set(providers.flatMap((provider) => Object.keys(dialectOf(provider).billed)))
  expect([...listed].toSorted()).toEqual(Object.keys(samples).toSorted())
})
