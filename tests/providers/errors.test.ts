import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat, dataIn } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { event, events, json, startUpstream, type TestUpstream } from '../support/upstream.ts'
import { routed } from './routed.ts'
import { wires } from './wires.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url, catalog: routed })
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const ask = (provider: string, over: object = {}) =>
  chat(gateway, {
    model: wires.find((wire) => wire.provider === provider)!.model,
    messages: [{ role: 'user', content: 'hi' }],
    ...over,
  })

/** OpenAI's shape, with a code; words that name our account, which nobody may see. */
const openai = (code: string | number, type?: string, message = 'account ep-1 org-1') => ({
  error: { code, message, type: type ?? 'x' },
})
const volcengine = (code: string) => ({
  ResponseMetadata: { Error: { Code: code, Message: 'account ep-1' } },
})

const OURS = [503, 'upstream_unavailable'] as const
const AWAY = [503, 'upstream_unavailable'] as const
const BUSY = [429, 'load_protection'] as const
const WRONG = [400, 'upstream_rejected'] as const
const FILTERED = [400, 'content_filter'] as const
const LONG = [400, 'context_length_exceeded'] as const

type Case = readonly [string, number, object | string, readonly [number, string]]

const cases: readonly Case[] = [
  ['deepseek', 402, openai('invalid_request_error', 'unknown_error', 'Insufficient Balance'), OURS],
  ['deepseek', 401, openai('invalid_request_error', 'authentication_error'), OURS],
  ['deepseek', 422, openai('x', 'invalid_request_error', 'bad top_k'), WRONG],
  ['deepseek', 429, openai('rate_limit'), BUSY],
  ['deepseek', 503, openai('overloaded'), AWAY],
  ['deepseek', 400, openai('x', 'y', "This model's maximum context length is 9 tokens."), LONG],
  ['dashscope', 400, { code: 'Arrearage', message: 'Access denied' }, OURS],
  ['dashscope', 400, openai('Arrearage', undefined, 'Access denied'), OURS],
  ['dashscope', 400, { code: 'InvalidParameter', message: 'bad top_p' }, WRONG],
  ['dashscope', 400, openai('data_inspection_failed', undefined, 'unsafe'), FILTERED],
  [
    'dashscope',
    400,
    { code: 'InvalidParameter', message: 'Range of input length should be' },
    LONG,
  ],
  ['dashscope', 403, { code: 'AccessDenied.Unpurchased', message: 'no' }, OURS],
  ['dashscope', 429, { code: 'Throttling.RateQuota', message: 'Requests rate limit' }, BUSY],
  ['dashscope', 400, { code: 'Throttling.AllocationQuota', message: 'quota' }, BUSY],
  ['dashscope', 500, { code: 'InternalError.Algo', message: 'x' }, AWAY],
  [
    'dashscope-cn',
    400,
    openai('x', 'ServiceUnavailable', '<503> InternalError.Algo: Too many requests'),
    AWAY,
  ],
  ['moonshot', 429, openai('x', 'exceeded_current_quota_error'), OURS],
  ['moonshot', 429, openai('x', 'rate_limit_reached_error'), BUSY],
  ['moonshot', 429, openai('x', 'engine_overloaded_error'), AWAY],
  ['moonshot', 403, openai('x', 'y', 'insufficient balance'), OURS],
  ['moonshot', 404, openai('x', 'resource_not_found_error'), OURS],
  ['moonshot', 400, openai('x', 'content_filter'), FILTERED],
  ['moonshot', 400, openai('x', 'invalid_request_error', 'bad tool'), WRONG],
  ['zai', 429, openai('1113'), OURS],
  ['zai', 429, openai(1308), OURS],
  ['zai', 429, openai('1302'), BUSY],
  ['zai', 429, openai('1312'), AWAY],
  ['zai', 400, openai('1211'), OURS],
  ['zai', 434, openai('1220'), OURS],
  ['zai', 400, openai('1261'), LONG],
  ['zai', 400, openai('1301'), FILTERED],
  ['zai', 400, openai('1214', undefined, 'bad messages'), WRONG],
  ['zai', 500, openai('1234'), AWAY],
  ['bigmodel', 401, openai('1002'), OURS],
  ['ark', 404, openai('InvalidEndpointOrModel.ModelIDAccessDisabled'), OURS],
  ['ark', 403, openai('AccountOverdueError'), OURS],
  ['ark', 429, openai('RateLimitExceeded.EndpointRPMExceeded', 'TooManyRequests'), BUSY],
  ['ark', 400, openai('InvalidParameter.top_p', undefined, 'bad top_p'), WRONG],
  ['ark', 400, openai('SensitiveContentDetected'), FILTERED],
  ['ark', 429, volcengine('RateLimitExceeded.EndpointTPMExceeded'), BUSY],
  ['ark', 400, volcengine('InvalidEndpoint'), OURS],
  ['tencent', 401, openai('AuthFailure.UnauthorizedOperation'), OURS],
  ['tencent', 429, openai('RequestLimitExceeded'), BUSY],
  ['qianfan', 400, openai('system_unsafe'), FILTERED],
  ['qianfan', 400, openai('x', 'unsafe_request'), FILTERED],
  ['qianfan', 429, openai('rpm_rate_limit_exceeded'), BUSY],
  ['stepfun', 451, openai('x', 'y', 'no'), FILTERED],
  ['stepfun', 402, openai('x'), OURS],
  ['stepfun', 401, openai('invalid_api_key'), OURS],
  ['mimo', 429, openai('x'), BUSY],
  ['mimo', 429, openai('x', 'y', 'Insufficient balance'), OURS],
  ['mimo', 500, '<html>', AWAY],
  ...[1004, 1008, 2049].map((code): Case => ['minimax', 200, base(code), OURS]),
  ...[1002, 1039, 1041, 2056].map((code): Case => ['minimax', 200, base(code), BUSY]),
  ...[1026, 1027].map((code): Case => ['minimax', 200, base(code), FILTERED]),
  ...[2013, 1042].map((code): Case => ['minimax', 200, base(code, 'bad value'), WRONG]),
  ...[1000, 1001, 1013, 1024, 1033, 9_999].map((code): Case => ['minimax', 200, base(code), AWAY]),
]

function base(status_code: number, status_msg = 'account ep-1'): object {
  return { choices: null, base_resp: { status_code, status_msg } }
}

describe.each([
  ['plain', {}],
  ['streamed', { stream: true }],
])('a %s request', (_kind, over) => {
  test.each(cases)('to %s that answers %i %j is told %j', async (provider, status, body, told) => {
    upstream.behave(json(body, status))
    if (status === 200 && 'stream' in over) upstream.behave(events(event(body)))
    const answer = await ask(provider, over)
    const error = await errorOf(answer)
    expect([error['status'], error['code']]).toEqual(told)
    expect(JSON.stringify(error)).not.toMatch(/account|ep-1|org-1|alance|html/)
    expect(answer.headers.get('retry-after') === null).toBe(told[0] === 400)
    await gateway.quiet()
    expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
      charge: 0n,
    })
  })
})

const usage = { prompt_tokens: 9, completion_tokens: 9 }
const chunk = (delta: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta, finish_reason }] })
const finishing = (reason: string) => [
  chunk({ content: 'a' }),
  chunk({}, reason),
  event({ choices: [], usage }),
  event('[DONE]'),
]
const plain = (finish_reason: string) => ({
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason }],
  usage,
})

describe('a finish reason', () => {
  test.each([
    ['zai', 'sensitive', 'content_filter', 'content_filter'],
    ['zai', 'model_context_window_exceeded', 'length', 'completed'],
    ['deepseek', 'content_filter', 'content_filter', 'content_filter'],
    ['dashscope', 'function_call', 'function_call', 'completed'],
    ['mimo', 'repetition_truncation', 'stop', 'completed'],
    ['mimo', '', undefined, 'completed'],
  ])('of %s, %j, is %j to the client', async (provider, reason, shown, outcome) => {
    upstream.behave(json(plain(reason)))
    const whole = await ask(provider)
    const answer = (await whole.json()) as { choices: { finish_reason: string | null }[] }
    expect(answer.choices[0]!.finish_reason ?? undefined).toBe(shown)
    upstream.behave(events(...finishing(reason)))
    const streamed = await ask(provider, { stream: true })
    const data = dataIn(await streamed.text())
    const reasons = data.flatMap((one) => /"finish_reason":"(\w*)"/.exec(one)?.[1] ?? [])
    // A stream that names none has one all the same, or clients take it for broken.
    expect(reasons).toEqual([shown ?? 'stop'])
    expect(data.at(-1)).toBe('[DONE]')
    await gateway.quiet()
    for (const got of [whole, streamed]) {
      const row = await gateway.requestRow(got.headers.get('x-request-id')!)
      expect(row['outcome']).toBe(outcome)
    }
  })

  test.each([
    ['deepseek', 'insufficient_system_resource'],
    ['zai', 'network_error'],
  ])('of %s, %j, is an error', async (provider, reason) => {
    upstream.behave(json(plain(reason)))
    expect(await errorOf(await ask(provider))).toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
    })
    upstream.behave(events(chunk({}, reason), event('[DONE]')))
    expect(await errorOf(await ask(provider, { stream: true }))).toMatchObject({ status: 503 })
    upstream.behave((out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: 'a' }))
      setTimeout(() => out.end(chunk({}, reason) + event('[DONE]')), 50)
    })
    const cut = await (await ask(provider, { stream: true })).text()
    expect(JSON.parse(dataIn(cut).at(-1)!)).toMatchObject({ error: { code: 'upstream_broke' } })
    expect(cut).not.toContain('[DONE]')
    expect(cut).not.toContain(reason)
  })
})
