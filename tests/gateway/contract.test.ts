import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { chat, dataIn, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { read } from '../support/reading.ts'
import { streaming } from '../support/streams.ts'
import { event, startUpstream, type Behaviour, type TestUpstream } from '../support/upstream.ts'

/*
 * The compatibility contract, point by point, for plain answers and streams alike. What has a file of its own is not
 * tested again here: stream, plain-answer, rate-limits, idempotency, aliases, refusals, models; keep-alives in
 * stream.test.ts; clients that misbehave in refused-request.test.ts, providers that do in tests/hostile.
 */

let upstream: TestUpstream
let gateway: TestGateway
let account: TestAccount

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
beforeEach(async () => {
  upstream.behave(says({ content: 'a' }))
  account = await gateway.newAccount()
})
// What a test makes of an upstream's health is nobody else's.
afterEach(async () => {
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const kinds = [
  ['plain', {}],
  ['streamed', { stream: true, stream_options: { include_usage: true } }],
] as const

const usage = {
  prompt_tokens: 50,
  completion_tokens: 20,
  total_tokens: 70,
  prompt_tokens_details: { cached_tokens: 30 },
  completion_tokens_details: { reasoning_tokens: 8 },
}
const chunk = (delta: object, finish: string | null = null) =>
  event({ id: 'c', choices: [{ index: 0, delta, finish_reason: finish }] })
const EVENTS = { 'content-type': 'text/event-stream' }

/** An upstream that answers with this message, in one piece or as a stream of one delta. */
const says =
  (message: object, finish = 'stop'): Behaviour =>
  (out, { body }) => {
    const said = { role: 'assistant', ...message }
    if (body['stream'] !== true) {
      const choices = [{ index: 0, message: said, finish_reason: finish }]
      out.writeHead(200, { 'content-type': 'application/json' })
      out.end(JSON.stringify({ id: 'c', choices, usage }))
      return
    }
    const frames = [chunk(said), chunk({}, finish), event({ choices: [], usage }), event('[DONE]')]
    out.writeHead(200, EVENTS).end(frames.join(''))
  }

const send = (over: object = {}, headers: Record<string, string> = {}) =>
  chat({ ...gateway, ...account }, saying('hi', over), {
    headers: { authorization: `Bearer ${account.secret}`, ...headers },
  })

interface Seen {
  readonly choices: readonly Readonly<Record<string, Record<string, unknown>>>[]
  readonly usage?: unknown
  readonly error?: Readonly<Record<string, unknown>>
}

/** The events of a stream that are JSON. */
const eventsIn = (text: string): Seen[] =>
  dataIn(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as Seen)

/** What a message came to, plain or streamed. */
function messageIn(text: string): object {
  if (text.startsWith('{')) return (JSON.parse(text) as Seen).choices[0]!['message']!
  const deltas = eventsIn(text).map(({ choices }) => choices[0]?.['delta'])
  return Object.assign({}, ...deltas) as object
}

const usageIn = (text: string): unknown =>
  text.startsWith('{') ? (JSON.parse(text) as Seen).usage : eventsIn(text).at(-1)!.usage

describe('2: usage', () => {
  test.each([
    ['asked for', { stream_options: { include_usage: true } }, 1],
    ['not asked for', {}, 0],
    ['asked not to', { stream_options: { include_usage: false } }, 0],
  ])('of a stream, %s, is metered', async (_what, over, times) => {
    const answer = await send({ stream: true, ...over })
    const seen = eventsIn(await answer.text())
    const told = seen.filter((one) => one.usage)
    expect(told).toHaveLength(times)
    expect(seen.slice(seen.length - times)).toEqual(told)
    for (const { choices } of told) expect(choices).toEqual([])
    const row = await gateway.requestRow(answer.headers.get('x-request-id')!)
    expect(row).toMatchObject({ usage_source: 'provider', input_tokens: 20n })
    expect(row.charge).toBeGreaterThan(0n)
  })
})

test.each<[string, readonly string[], 'done' | 'error']>([
  ['whole', [chunk({}, 'stop'), event({ choices: [], usage }), event('[DONE]')], 'done'],
  ['whole, without its own [DONE]', [chunk({}, 'stop')], 'done'],
  ['with a cut', [], 'error'],
  ['with an error event', [event({ error: { message: 'x', code: 'y' } })], 'error'],
])('3: a stream that ends %s ends with one [DONE] or one error', async (_how, frames, how) => {
  const streams = streaming(upstream)
  const asked = send({ stream: true })
  const stream = await streams.next()
  stream.write(chunk({ role: 'assistant', content: 'first' }))
  const reading = read(await asked)
  await reading.until('first')
  stream.end(...frames)
  const data = dataIn((await reading.ended).text)
  const dones = data.filter((one) => one === '[DONE]')
  const errors = data.filter((one) => one.includes('"error":{'))
  expect([dones.length, errors.length]).toEqual(how === 'done' ? [1, 0] : [0, 1])
  expect(data.at(-1)).toBe(dones[0] ?? errors[0])
})

describe('4: until the first output an error has its true status', () => {
  test.each<[string, string]>([
    ['a role', chunk({ role: 'assistant' })],
    ['empty content', chunk({ role: 'assistant', content: '' })],
    ['empty reasoning', chunk({ content: null, reasoning_content: '' })],
    ['a comment', ': hello\n\n'],
  ])('%s is no output', async (_what, first) => {
    upstream.behave((out) => {
      out.writeHead(200, EVENTS)
      out.write(first, () => out.destroy())
    })
    expect(await errorOf(await send({ stream: true }))).toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
    })
  })

  test.each<[string, string]>([
    ['content', chunk({ content: 'first' })],
    ['reasoning', chunk({ reasoning_content: 'first' })],
    [
      'a tool call',
      chunk({ tool_calls: [{ index: 0, id: 'i', function: { name: 'first', arguments: '' } }] }),
    ],
  ])('%s is output', async (_what, first) => {
    const streams = streaming(upstream)
    const asked = send({ stream: true })
    const stream = await streams.next()
    stream.write(first)
    const answer = await asked
    const reading = read(answer)
    await reading.until('first')
    stream.out.destroy()
    expect(answer.status).toBe(200)
    expect(eventsIn((await reading.ended).text).at(-1)!.error).toMatchObject({
      code: 'upstream_broke',
    })
  })
})

describe.each(kinds)('5: a %s request', (_kind, over) => {
  test.each<[string, number, string]>([
    ['our key', 401, '{"error":{"message":"Invalid API key sk-1","code":"invalid_api_key"}}'],
    ['our arrears', 402, '{"error":{"message":"Insufficient Balance","code":"invalid_request"}}'],
    ['our account', 403, '{"error":{"message":"AccountOverdueError","code":"AccountOverdue"}}'],
  ])('is not told of %s', async (_what, status, body) => {
    upstream.behave((out) =>
      out.writeHead(status, { 'content-type': 'application/json' }).end(body),
    )
    const answer = await send(over)
    const error = await errorOf(answer)
    expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    expect(JSON.stringify(error)).not.toMatch(/sk-1|balance|overdue|invalid_api_key/i)
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  })

  test('without money is told what the balance affords, and that asking again is of no use', async () => {
    account = await gateway.newAccount({ balance: '0' })
    const answer = await send(over)
    expect(await errorOf(answer)).toMatchObject({ status: 402, affordable_tokens: 0 })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(answer.headers.get('retry-after')).toBeNull()
  })

  test.each([
    ['limits', 429, 'load_protection', 429],
    ['fails', 500, 'upstream_unavailable', 503],
  ])('that a provider %s is told when to come back, in whole seconds', async (...row) => {
    const [, said, code, status] = row
    upstream.behave((out) => out.writeHead(said).end('{}'))
    const answer = await send(over)
    expect(await errorOf(answer)).toMatchObject({ status, code })
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  })
})

test.each(kinds)('6: totals outside, disjoint classes inside (%s)', async (_kind, over) => {
  const answer = await send({ model: 'deepseek-reasoner', ...over })
  expect(usageIn(await answer.text())).toMatchObject({
    prompt_tokens: 50,
    completion_tokens: 20,
    total_tokens: 70,
  })
  expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
    input_tokens: 20n,
    cached_input_tokens: 30n,
    output_tokens: 0n,
    thinking_output_tokens: 20n,
  })
})

describe.each(kinds)('7 and 8: a %s answer', (_kind, over) => {
  test('has its reasoning', async () => {
    upstream.behave(says({ reasoning_content: 'hm', content: 'a' }))
    expect(messageIn(await (await send(over)).text())).toMatchObject({
      reasoning_content: 'hm',
      content: 'a',
    })
  })

  test.each(['reasoning_content', 'reasoning'])('takes it back as %s', async (name) => {
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'a', [name]: 'hm' },
      { role: 'user', content: 'y' },
    ]
    await (await send({ ...over, model: 'deepseek-reasoner', messages })).text()
    expect((upstream.calls[0]!.body['messages'] as object[])[1]).toEqual({
      role: 'assistant',
      content: 'a',
      reasoning_content: 'hm',
    })
  })

  test('that calls a tool says so, with a whole number for its place', async () => {
    const call = { index: 0, id: 'call_1', type: 'function' }
    const tool = { ...call, function: { name: 'f', arguments: '{}' } }
    upstream.behave(says({ content: null, tool_calls: [tool] }, 'tool_calls'))
    const text = await (await send(over)).text()
    expect(messageIn(text)).toMatchObject({ tool_calls: [tool] })
    expect(text).toContain('"finish_reason":"tool_calls"')
  })
})

test('9: a plain answer has no keep-alives, and its length is that of its body', async () => {
  const answer = await send()
  const text = await answer.text()
  expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
  expect(text).not.toContain('keep-alive')
})

test('10: every answer has a request id of its own', async () => {
  const at = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, init)
  const etag = (await at('/v1/models')).headers.get('etag')!
  const poor = await gateway.newAccount({ balance: '0' })
  const answers = [
    await send(),
    await send({ stream: true }),
    await send({ model: 'none' }),
    await send({}, { 'idempotency-key': 'é' }),
    await chat({ ...gateway, secret: 'none' }, saying('hi')),
    await chat({ ...gateway, ...poor }, saying('hi')),
    await at('/v1/chat/completions'),
    await at('/v1/models'),
    await at('/v1/models', { headers: { 'if-none-match': etag } }),
    await at('/v1/models', { method: 'OPTIONS', headers: { origin: 'https://a.example' } }),
    await at('/v1/models/none'),
    await at('/v1/receipts/none'),
    await at('/nowhere'),
  ]
  await Promise.all(answers.map((answer) => answer.text()))
  const ids = answers.map(({ headers }) => headers.get('x-request-id'))
  for (const id of ids) expect(id).toMatch(/^req_00[0-9A-Z]{26}$/)
  expect(new Set(ids).size).toBe(answers.length)
  for (const id of ids.slice(0, 2)) expect(await gateway.requestRow(id!)).toBeDefined()
})

test.each(kinds)('11: a %s request takes its key from either header', async (_kind, over) => {
  const named: readonly Record<string, string>[] = [
    { authorization: `Bearer ${account.secret}` },
    { authorization: `bearer ${account.secret}` },
    { 'x-api-key': account.secret },
  ]
  for (const headers of named) {
    const answer = await chat({ ...gateway, ...account }, saying('hi', over), { headers })
    expect([answer.status, messageIn(await answer.text())]).toMatchObject([200, { content: 'a' }])
  }
})

test('12: an error in a stream has the members that one with a status has', async () => {
  upstream.behave((out) => out.writeHead(200, EVENTS).end(chunk({ content: 'a' })))
  const seen = eventsIn(await (await send({ stream: true })).text()).at(-1)!
  expect(Object.keys(seen.error!).toSorted()).toEqual(['code', 'message', 'param', 'type'])
})
