import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { piece } from '../support/answers.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { chat, saying } from '../support/chat.ts'
import { streaming } from '../support/streams.ts'
import { until } from '../support/until.ts'
import {
  event,
  json,
  startUpstream,
  type Behaviour,
  type TestUpstream,
} from '../support/upstream.ts'
import type { Client, Question, ShownError } from './client.ts'
import { clients, connectionTo } from './clients.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url, env: { MOONSHOT_API_KEY: '' } })
})
beforeEach(() => {
  const watched = vi.spyOn(globalThis, 'fetch')
  return () => watched.mockRestore()
})
afterAll(async () => {
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
  await upstream.close()
})

/** How many requests a client has made. */
const requests = () => vi.mocked(globalThis.fetch).mock.calls.length

/** A request that is refused, and how. */
interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: RegExp
  readonly question?: Partial<Question>
  readonly upstream?: Behaviour
  /** The account that asks; one with ten dollars unless said. */
  readonly as?: () => Promise<{ readonly secret: string }>
  /** The name each client has for it. */
  readonly names: Readonly<Record<string, string>>
}

const OVERLONG = `This model's maximum context length is 1000000 tokens. However, you requested 1000100 tokens. Please reduce the length of the messages or completion.`

const refusals: Readonly<Record<string, Refusal>> = {
  'a wrong key': {
    status: 401,
    code: 'invalid_api_key',
    message: /Incorrect API key provided/,
    as: async () => ({ secret: 'sk-st-not-a-key' }),
    names: {
      openai: 'AuthenticationError',
      ai: 'AI_APICallError',
      '@langchain/openai': 'MODEL_AUTHENTICATION',
    },
  },
  'a balance that does not do': {
    status: 402,
    code: 'insufficient_balance',
    message: /Your balance is too low/,
    as: () => gateway.newAccount({ balance: '0.00001' }),
    names: { openai: 'APIError', ai: 'AI_APICallError', '@langchain/openai': 'Error' },
  },
  'a model that does not exist': {
    status: 404,
    code: 'model_not_found',
    message: /qwen-plus/, // the nearest
    question: { model: 'qwen-pluss' },
    names: {
      openai: 'NotFoundError',
      ai: 'AI_APICallError',
      '@langchain/openai': 'MODEL_NOT_FOUND',
    },
  },
  'a prompt longer than the context': {
    status: 400,
    code: 'context_length_exceeded',
    message: /maximum context length is 1000000 tokens/,
    upstream: json(
      {
        error: {
          message: OVERLONG,
          type: 'invalid_request_error',
          param: null,
          code: 'invalid_request_error',
        },
      },
      400,
    ),
    names: {
      openai: 'BadRequestError',
      ai: 'AI_APICallError',
      '@langchain/openai': 'ContextOverflowError',
    },
  },
  'a model without a route': {
    status: 503,
    code: 'model_unavailable',
    message: /no route to it/,
    question: { model: 'kimi-k3', retries: 0 },
    names: { openai: 'InternalServerError', ai: 'AI_APICallError', '@langchain/openai': 'Error' },
  },
  'a provider that fails': {
    status: 503,
    code: 'upstream_unavailable',
    message: /temporarily unavailable/,
    question: { retries: 0 },
    upstream: json({ error: { message: 'Internal error' } }, 500),
    names: { openai: 'InternalServerError', ai: 'AI_APICallError', '@langchain/openai': 'Error' },
  },
  'a limit that is reached': {
    status: 429,
    code: 'rate_limit_exceeded',
    message: /Retry-After/,
    question: { retries: 0 },
    as: async () => {
      const account = await gateway.newAccount()
      await gateway.database.query('update api_key set requests_per_minute = 1 where id = $1', [
        account.apiKeyId,
      ])
      upstream.behave(json({ error: { message: 'Internal error' } }, 500))
      await chat({ ...gateway, ...account }, saying('the one of this minute'))
      vi.mocked(globalThis.fetch).mockClear()
      return account
    },
    names: {
      openai: 'RateLimitError',
      ai: 'AI_APICallError',
      '@langchain/openai': 'MODEL_RATE_LIMIT',
    },
  },
}

const role = event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })

/** What a client says of a request that must not succeed. */
async function errorOf(client: Client, asked: Promise<unknown>): Promise<ShownError> {
  const [outcome] = await Promise.allSettled([asked])
  if (outcome.status === 'fulfilled') throw new Error('it was answered')
  return client.shown(outcome.reason)
}

describe.each(clients)('%s', (name, connect) => {
  const cases = Object.entries(refusals).flatMap(([what, refusal]) =>
    (['ask', 'stream'] as const).map((kind) => ({ what, kind, refusal })),
  )

  test.each(cases)('tells of $what ($kind), once', async ({ kind, refusal }) => {
    const account = await (refusal.as?.() ?? gateway.newAccount())
    upstream.behave(refusal.upstream ?? json({ error: { message: 'it was sent upstream' } }, 400))
    const client = connect(connectionTo(gateway, account))
    const question: Question = { model: 'qwen-plus', text: 'hi', ...refusal.question }
    const error = await errorOf(client, client[kind](question))
    // LangChain's own class for an overlong prompt knows neither.
    const { status, code } = error.name === 'ContextOverflowError' ? error : refusal
    expect(error).toEqual({
      name: refusal.names[name],
      status,
      code,
      message: expect.stringMatching(refusal.message),
    })
    expect(requests()).toBe(1)
  })

  test('waits out a limit as long as it is told, by its own defaults', async () => {
    const account = await gateway.newAccount()
    await gateway.database.query('update api_key set concurrent_requests = 1 where id = $1', [
      account.apiKeyId,
    ])
    const streams = streaming(upstream)
    const other = chat({ ...gateway, ...account }, saying('first', { stream: true }))
    const first = await streams.next()
    vi.mocked(globalThis.fetch).mockClear()
    const client = connect(connectionTo(gateway, account))
    const asked = client.ask({ model: 'qwen-plus', text: 'hi' })
    const refused = await until(() => vi.mocked(globalThis.fetch).mock.results[0]?.value)
    expect(await (refused as Promise<Response>)).toMatchObject({ status: 429 })
    upstream.behave(
      json({
        choices: [
          { index: 0, message: { role: 'assistant', content: 'at last' }, finish_reason: 'stop' },
        ],
      }),
    )
    first.end(piece('done', 'stop'))
    await (await other).text()
    expect(await asked).toMatchObject({ text: 'at last' })
    expect(requests()).toBe(2)
  })

  test('does not take half an answer for a whole one', async () => {
    const account = await gateway.newAccount()
    const streams = streaming(upstream)
    const client = connect(connectionTo(gateway, account))
    const heard: string[] = []
    const asked = client.stream(
      { model: 'qwen-plus', text: 'hi' },
      { onText: (text) => heard.push(text) },
    )
    const failure = asked.then(
      () => undefined,
      (error: unknown) => error,
    )
    const stream = await streams.next()
    stream.write(role, piece('half an '))
    await until(() => heard.length > 0)
    stream.out.destroy()
    expect(String(await failure)).toMatch(/stopped answering in the middle/)
    expect(heard).toEqual(['half an '])
    expect(requests()).toBe(1)
    await gateway.quiet()
    expect(await gateway.wallet(account)).toMatchObject({ posted: 10_000_000_000n, held: 0n })
  })
})
