import { charge, cost, type Usage } from '@smartoken/prisma/catalog'
import { formatUsd, nanoUsd, usd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { providerKey } from '../support/canary/canaries.ts'
import {
  chat,
  openSocket,
  sandboxPrompt,
  sayingExactly as saying,
  wireOf,
} from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const modelOf = (id: string) => gateway.services.catalog.models.find((model) => model.id === id)!
const priceOf = (model: string, id: unknown) =>
  modelOf(model).prices.find((price) => price.id === id)!

const answer = (message: object, usage: object | undefined, finish_reason = 'stop') => ({
  id: 'chat-1',
  object: 'chat.completion',
  created: 1_790_000_000,
  model: 'deepseek-flash',
  choices: [
    { index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason },
  ],
  ...(usage && { usage }),
  system_fingerprint: 'fp_1',
})

const usage: Usage = {
  input: 19,
  cachedInput: 320,
  cacheWrite: 0,
  output: 0,
  thinkingOutput: 83,
}
const reported = {
  prompt_tokens: 339,
  completion_tokens: 83,
  total_tokens: 422,
  prompt_tokens_details: { cached_tokens: 320 },
  completion_tokens_details: { reasoning_tokens: 39 },
  prompt_cache_hit_tokens: 320,
  prompt_cache_miss_tokens: 19,
}

describe('a plain answer', () => {
  test.each([
    ['text', answer({ content: '你好 👋 "quoted"' }, reported)],
    ['reasoning', answer({ content: 'Three.', reasoning_content: '想一想' }, reported)],
    [
      'a tool call',
      answer(
        {
          content: null,
          tool_calls: [
            { index: 0, id: 'call_00', type: 'function', function: { name: 'f', arguments: '{}' } },
          ],
        },
        reported,
        'tool_calls',
      ),
    ],
  ])('of %s comes as the upstream’s bytes and costs what its usage costs', async (_name, body) => {
    const sent = `\n\n${JSON.stringify(body, null, 1)}\n`
    upstream.behave(json(sent))
    const before = await gateway.wallet()

    const got = await chat(gateway, saying('hi'))

    expect(got.status).toBe(200)
    expect(await got.text()).toBe(sent)
    const price = priceOf('deepseek-chat', got.headers.get('x-smartoken-price'))
    const due = charge(usage, price)
    expect(await gateway.wallet()).toEqual({ posted: before.posted - due, held: 0n, openHolds: 0 })
    expect(got.headers.get('x-smartoken-cost')).toBe(formatUsd(due))
  })

  test('says what it is in headers, and nothing of the upstream’s own', async () => {
    upstream.behave(
      json(answer({ content: 'a' }, reported), 200, {
        'x-secret': '1',
        'set-cookie': 'a=b',
        'x-request-id': 'theirs',
        'content-encoding': 'identity',
      }),
    )
    const { headers } = await chat(gateway, saying('hi'))
    expect(Object.fromEntries(headers)).toEqual({
      'cache-control': 'no-store',
      connection: 'keep-alive',
      'content-length': expect.any(String),
      'content-type': 'application/json',
      date: expect.any(String),
      'keep-alive': expect.any(String),
      'x-request-id': expect.stringMatching(/^req_00/),
      'x-robots-tag': 'noindex',
      'x-smartoken-cost': expect.stringMatching(/^0\.\d+$/),
      'x-smartoken-price': expect.stringMatching(/^deepseek-chat\//),
      'x-smartoken-route': 'deepseek/deepseek-flash',
    })
  })

  test('leaves a request row with every fact and no text', async () => {
    upstream.behave(json(answer({ content: 'SECRET-ANSWER' }, reported)))
    const body = saying('SECRET-PROMPT', { model: 'deepseek/deepseek-chat', max_tokens: 300 })
    const got = await chat(gateway, body, {
      headers: {
        authorization: `Bearer ${gateway.secret}`,
        'user-agent': 'tester/1',
        'x-stainless-retry-count': '2',
      },
    })
    const row = await gateway.requestRow(got.headers.get('x-request-id')!)
    const price = priceOf('deepseek-chat', row.price_id)
    expect(row).toMatchObject({
      account_id: gateway.accountId,
      api_key_id: gateway.apiKeyId,
      endpoint: '/v1/chat/completions',
      model_id: 'deepseek-chat',
      model_asked: 'deepseek/deepseek-chat',
      stream: false,
      prompt_bytes: 'roleusercontentSECRET-PROMPT'.length,
      max_tokens_asked: 300,
      max_tokens_sent: 300,
      network: '127.0.0.1',
      user_agent: 'tester/1',
      client_retries: 2,
      route: 'deepseek/deepseek-flash',
      provider: 'deepseek',
      upstream_model: 'deepseek-flash',
      attempts: 1,
      status: 200,
      outcome: 'completed',
      error_code: null,
      finish_reason: 'stop',
      input_tokens: 19n,
      cached_input_tokens: 320n,
      cache_write_tokens: 0n,
      output_tokens: 0n,
      thinking_output_tokens: 83n,
      usage_source: 'provider',
      charge: charge(usage, price),
      shortfall: 0n,
      cost: cost(
        gateway.services.catalog,
        usage,
        modelOf('deepseek-chat').routes[0]!,
        row['opened_at'] as Date,
      ),
    })
    expect(Object.values(row).map(String).join(' ')).not.toContain('SECRET')
  })

  test('is asked for with our credential and the caller’s fields', async () => {
    upstream.behave(json(answer({ content: 'a' }, reported)))
    const got = await chat(gateway, saying('hi', { temperature: 0.3, of_tomorrow: [1] }), {
      headers: { 'x-api-key': gateway.secret, cookie: 'a=b', 'x-forwarded-for': '1.2.3.4' },
    })
    expect(got.status).toBe(200)
    const [call] = upstream.calls
    expect(call!.path).toBe('/v1/chat/completions')
    expect(call!.headers).toEqual({
      host: new URL(upstream.url).host,
      connection: 'keep-alive',
      authorization: `Bearer ${providerKey('upstream')}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'content-length': expect.any(String),
    })
    expect(call!.body).toEqual({
      model: 'deepseek-flash',
      messages: [{ role: 'user', content: 'hi' }],
      temperature: 0.3,
      of_tomorrow: [1],
      thinking: { type: 'disabled' },
      user_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      max_tokens: modelOf('deepseek-chat').defaultOutput,
    })
  })
})

test.each([
  ['a lone surrogate', '{"role":"user","content":"a\\ud800b"}'],
  ['a NUL', '{"role":"user","content":"a\\u0000b"}'],
  ['a member named __proto__', '{"role":"user","content":"a","__proto__":{"x":1}}'],
  ['members named as an object’s own', '{"role":"user","constructor":1,"toString":2}'],
])('a message with %s is forwarded as it came', async (_name, message) => {
  upstream.behave(json(answer({ content: 'a' }, { prompt_tokens: 3, completion_tokens: 1 })))
  const body = `{"model":"deepseek-chat","messages":[${message}],"__proto__":{"n":2}}`
  const got = await chat(gateway, body)
  expect(got.status).toBe(200)
  expect(JSON.stringify(upstream.calls[0]!.body['messages'])).toBe(`[${message}]`)
})

test.each([
  ['a NUL', 'a\u0000b', 'stop'],
  ['a lone surrogate', 'a\ud800b', 'stop'],
  ['a novel', 'x'.repeat(100_000), 'stop'],
  ['nothing', '', null],
  ['a number', 5, null],
  ['an object', { nested: true }, null],
])('a finish reason of %s does not stop the charge', async (_name, reason, stored) => {
  upstream.behave(json(answer({ content: 'a' }, reported, reason as string)))
  const got = await chat(gateway, saying('hi'))
  expect(got.headers.get('x-smartoken-cost')).not.toBeNull()
  expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
    finish_reason: stored,
  })
})

test('requests on one connection, the second sent before the first is answered, are both answered', async () => {
  upstream.behave(json(answer({ content: 'a' }, reported)))
  const socket = openSocket(
    gateway,
    wireOf(gateway, saying('one')) + wireOf(gateway, saying('two')),
  )
  let read = ''
  socket.on('data', (bytes: Buffer) => {
    read += bytes.toString('utf8')
    if (read.match(/fp_1/g)?.length === 2) socket.end()
  })
  await new Promise((resolve) => socket.once('close', resolve))
  expect(read.match(/HTTP\/1.1 200 /g)).toHaveLength(2)
  const prompts = upstream.calls.map(({ body }) => (body['messages'] as { content: string }[])[0]!)
  expect(prompts.map(({ content }) => content).toSorted()).toEqual(['one', 'two'])
})

describe('usage that cannot be believed is counted by bytes, in the customer’s favour', () => {
  const text = '你好'.repeat(500)
  test.each<[string, object | undefined]>([
    ['missing', undefined],
    ['null', { prompt_tokens: null, completion_tokens: null }],
    ['negative', { prompt_tokens: -5, completion_tokens: -5 }],
    ['text', { prompt_tokens: '1', completion_tokens: '1' }],
    ['more prompt than was sent', { prompt_tokens: 99_999, completion_tokens: 1 }],
    ['more answer than the limit', { prompt_tokens: 1, completion_tokens: 4_097 }],
    ['endless', { prompt_tokens: 1e300, completion_tokens: 1e300 }],
  ])('%s', async (name, hostile) => {
    upstream.behave(json(answer({ content: text }, hostile)))
    const body = saying('x'.repeat(10_000))
    const got = await chat(gateway, body)
    const row = await gateway.requestRow(got.headers.get('x-request-id')!)
    expect(row).toMatchObject({
      usage_source: 'counted',
      usage_flag: name === 'missing' ? 'usage_missing' : 'usage_implausible',
      counted_version: 1,
      answer_bytes: 3_000n,
      input_tokens: 1_802n, // 10,015 bytes with the words "role", "user", "content",
      output_tokens: BigInt(Math.floor(Buffer.byteLength(text) * 0.18)),
      cached_input_tokens: 0n,
    })
    expect(row.charge).toBeGreaterThan(0n)
  })
})

test('a wallet that only just affords an answer pays what it used and keeps the rest', async () => {
  const poor = await gateway.newAccount({ balance: '0.0006' })
  upstream.behave(json(answer({ content: 'a' }, { prompt_tokens: 500, completion_tokens: 256 })))
  const got = await chat({ ...gateway, ...poor }, saying('hi', { max_tokens: 256 }))
  expect(got.status).toBe(200)
  const row = await gateway.requestRow(got.headers.get('x-request-id')!)
  expect(row).toMatchObject({ shortfall: 0n, usage_source: 'provider', output_tokens: 256n })
  expect((await gateway.wallet(poor)).posted).toBe(usd('0.0006') - row.charge)
})

describe('the sandbox', () => {
  let sandboxed: TestGateway
  beforeAll(async () => {
    sandboxed = await startGateway()
  })
  afterAll(async () => {
    expect(await sandboxed.breaks()).toEqual([])
    await sandboxed.close()
  })

  test('marks its answers and costs the house nothing', async () => {
    const got = await chat(sandboxed, saying(sandboxPrompt({ text: '你好' })))
    expect(got.headers.get('x-smartoken-sandbox')).toBe('true')
    expect(await got.json()).toMatchObject({ choices: [{ message: { content: '你好' } }] })
    expect(await sandboxed.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
      provider: 'sandbox',
      cost: 0n,
    })
    expect((await sandboxed.wallet()).posted).toBeLessThan(nanoUsd(usd('10')))
  })

  test('answers for every model sold', async () => {
    const { catalog } = sandboxed.services
    for (const model of catalog.models.filter(({ sold }) => sold)) {
      const got = await chat(sandboxed, saying('hi', { model: model.id, max_tokens: 300 }))
      expect([model.id, got.status]).toEqual([model.id, 200])
      await got.text()
    }
  })
})
