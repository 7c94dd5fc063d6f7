import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat, dataIn, receiptIn, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import {
  event,
  events,
  json,
  startUpstream,
  type Behaviour,
  type TestUpstream,
} from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({
    upstreamUrl: upstream.url,
    // Nobody listens on port 1.
    env: { MOONSHOT_BASE_URL: 'http://127.0.0.1:1/v1' },
  })
})
afterEach(async () => {
  expect(await gateway.breaks()).toEqual([])
  expect(gateway.services.pending.size).toBe(0)
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const chunk = (delta: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta, finish_reason }] })
const usage = { prompt_tokens: 5, completion_tokens: 5 }
const DONE = event('[DONE]')

const startStream: Behaviour = (out) => out.writeHead(200, { 'content-type': 'text/event-stream' })

/** The error an answer tells, checked to have cost nobody anything. */
async function freeErrorOf(answer: Response, row: object = {}): Promise<Record<string, unknown>> {
  const error = await errorOf(answer)
  await gateway.quiet()
  expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
    charge: 0n,
    usage_source: 'none',
    outcome: 'upstream_error',
    status: error['status'],
    error_code: error['code'],
    attempts: upstream.calls.length,
    ...row,
  })
  return error
}

describe.each([
  ['plain', {}],
  ['streamed', { stream: true }],
])('a %s request', (_kind, over) => {
  const send = () => chat(gateway, saying('hi', over))

  test.each<[string, Behaviour, number, string]>([
    [
      'says our key is wrong',
      json({ error: { message: 'bad key sk-1' } }, 401),
      503,
      'upstream_unavailable',
    ],
    [
      'wants money of us',
      json({ error: { message: 'Insufficient Balance' } }, 402),
      503,
      'upstream_unavailable',
    ],
    [
      'forbids',
      json({ error: { message: 'account suspended' } }, 403),
      503,
      'upstream_unavailable',
    ],
    [
      'does not know the model',
      json({ error: { message: 'no model ep-1' } }, 404),
      503,
      'upstream_unavailable',
    ],
    ['is overloaded', json({ error: { message: 'slow down' } }, 429), 429, 'load_protection'],
    ['fails', json('<html>', 500), 503, 'upstream_unavailable'],
    ['fails without a word', json('', 502), 503, 'upstream_unavailable'],
    [
      'refuses the request',
      json({ error: { message: 'bad temperature' } }, 400),
      400,
      'upstream_rejected',
    ],
    [
      'redirects',
      (out) => out.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      503,
      'upstream_unavailable',
    ],
    ['closes before its head', (out) => out.destroy(), 503, 'upstream_unavailable'],
    [
      'resets before its head',
      (_out, { socket }) => socket.resetAndDestroy(),
      503,
      'upstream_unavailable',
    ],
    [
      'speaks no HTTP',
      (_out, { socket }) => socket.end('SSH-2.0-OpenSSH\r\n\r\n'),
      503,
      'upstream_unavailable',
    ],
    [
      'closes within an error',
      (out) => {
        out.writeHead(500, { 'content-length': '1000' }).write('{"err')
        setImmediate(() => out.destroy())
      },
      503,
      'upstream_unavailable',
    ],
    ['sends an endless error', json('x'.repeat(10_000_000), 500), 503, 'upstream_unavailable'],
    ['answers 200 and nothing', (out) => out.writeHead(200).end(), 503, 'upstream_unavailable'],
    [
      'answers 200 and HTML',
      (out) => out.writeHead(200).end('<html>'),
      503,
      'upstream_unavailable',
    ],
    [
      'answers 200 and means an error (MiniMax)',
      json({ base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }),
      503,
      'upstream_unavailable',
    ],
    ['answers 200 and an error', json({ error: { message: 'sk-1' } }), 503, 'upstream_unavailable'],
    ['answers 200 and null', json('null'), 503, 'upstream_unavailable'],
  ])('whose upstream %s is free', async (_name, behaviour, status, code) => {
    upstream.behave(behaviour)
    const answer = await send()
    const error = await freeErrorOf(answer)
    expect(error).toMatchObject({ status, code })
    expect(JSON.stringify(error)).not.toMatch(/sk-1|ep-1|[Bb]alance|suspended|html/)
    expect(answer.headers.get('retry-after') ?? 'none').toMatch(
      status === 400 ? 'none' : /^[1-9]\d*$/,
    )
  })

  test('whose upstream is not there is free', async () => {
    const answer = await chat(gateway, saying('hi', { ...over, model: 'kimi-k3' }))
    const error = await freeErrorOf(answer, { provider: 'moonshot', attempts: 1 })
    expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
  })
})

describe('a plain answer', () => {
  test.each<[string, Behaviour]>([
    [
      'that is cut in the middle',
      (out) => {
        out.writeHead(200, { 'content-type': 'application/json' }).write('{"choices":[{"mess')
        setImmediate(() => out.destroy())
      },
    ],
    [
      'shorter than it said',
      (out, { socket }) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"choices":[]}')
        setImmediate(() => socket.resetAndDestroy())
        void out
      },
    ],
    ['with no choice', json({ choices: [] })],
    ['with choices that are none', json({ choices: [null] })],
    ['with choices that are an object', json({ choices: { 0: {} } })],
    ['larger than 16 MB', json({ choices: [{ message: { content: 'x'.repeat(17 << 20) } }] })],
  ])('%s is free', async (_name, behaviour) => {
    upstream.behave(behaviour)
    const error = await freeErrorOf(await chat(gateway, saying('hi')))
    expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
  })
})

test('an answer nested deeper than anyone writes is passed on as it came', async () => {
  const calls = `${'['.repeat(1e5)}${']'.repeat(1e5)}`
  upstream.behave(json(`{"choices":[{"message":{"tool_calls":${calls}}}],"usage":null}`))
  const answer = await chat(gateway, saying('hi'))
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain(calls)
})

describe('a stream', () => {
  const stream = (over: object = {}) => chat(gateway, saying('hi', { stream: true, ...over }))

  test.each<[string, Behaviour]>([
    ['an error event first', events(event({ error: { message: 'sk-1', code: 500 } }))],
    [
      'an error event after a role',
      events(chunk({ role: 'assistant', content: '' }), event({ error: { message: 'sk-1' } })),
    ],
    ['[DONE] missing after a role', events(chunk({ role: 'assistant', content: '' }))],
    [
      'a cut after a role',
      (out, call) => {
        startStream(out, call)
        out.write(chunk({ role: 'assistant', content: '' }))
        setImmediate(() => call.socket.resetAndDestroy())
      },
    ],
    ['comments only', events(': hello\n\n', ': hello\n\n')],
  ])('with %s is an error with its true status', async (_name, behaviour) => {
    upstream.behave(behaviour)
    const error = await freeErrorOf(await stream())
    expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
  })

  test.each<[string, Behaviour]>([
    ['is reset', (_out, { socket }) => socket.resetAndDestroy()],
    ['ends without a finish reason', (out) => out.end()],
    ['ends in the middle of an event', (out) => out.end('data: {"choices":[{"delta"')],
    ['sends an error', (out) => out.end(event({ error: { message: 'sk-1' } }) + DONE)],
    [
      'sends an error after its finish and usage',
      (out) =>
        out.end(
          chunk({}, 'stop') + event({ choices: [], usage }) + event({ error: { message: 'sk-1' } }),
        ),
    ],
    [
      'sends an error and keeps the connection',
      (out) => out.write(event({ error: { message: 'sk-1' } })),
    ],
    ['sends an event that never ends', (out) => out.end(`data: "${'x'.repeat(6 << 20)}`)],
  ])(
    'that %s after output ends with one error event, no [DONE], no charge',
    async (_name, behaviour) => {
      const seen = Promise.withResolvers<void>()
      upstream.behave(async (out, call) => {
        startStream(out, call)
        out.write(chunk({ content: 'half' }))
        await seen.promise
        behaviour(out, call)
      })
      const before = await gateway.wallet()
      const answer = await stream({ stream_options: { include_usage: true } })
      expect(answer.status).toBe(200)
      let body = ''
      for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
        body += piece
        if (body.includes('half')) seen.resolve()
      }

      const told = dataIn(body).map((data) => JSON.parse(data) as Record<string, unknown>)
      expect(told.filter((data) => 'error' in data)).toEqual([told.at(-1)])
      expect(told.at(-1)).toMatchObject({
        error: { code: 'upstream_broke', type: 'api_error', param: null },
        choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
      })
      expect(body).not.toMatch(/\[DONE\]|sk-1|: receipt/)
      expect((await gateway.wallet()).posted).toBe(before.posted)
      await gateway.quiet()
      expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
        outcome: 'upstream_broke',
        error_code: 'upstream_broke',
        charge: 0n,
        usage_source: 'counted', // excused
      })
    },
  )

  test.each([
    ['[DONE] missing', ''],
    ['[DONE] without its blank line', 'data: [DONE]'],
  ])('that finished, with %s, is whole', async (_name, end) => {
    upstream.behave(
      events(chunk({ content: 'a' }), chunk({}, 'stop'), event({ choices: [], usage }), end),
    )
    const body = await (await stream()).text()
    expect(dataIn(body).at(-1)).toBe('[DONE]')
    expect(receiptIn(body)).toMatchObject({ usage_source: 'provider' })
  })

  test('that is reset when its usage has come is whole', async () => {
    upstream.behave((out, call) => {
      startStream(out, call)
      out.write(chunk({ content: 'a' }) + chunk({}, 'stop') + event({ choices: [], usage }))
      setTimeout(() => call.socket.resetAndDestroy(), 50)
    })
    const body = await (await stream()).text()
    expect(dataIn(body).at(-1)).toBe('[DONE]')
    expect(receiptIn(body)).toMatchObject({ usage_source: 'provider' })
  })

  test('whose connection stays open after [DONE] ends all the same', async () => {
    upstream.behave((out, call) => {
      startStream(out, call)
      out.write(chunk({ content: 'a' }) + chunk({}, 'stop') + event({ choices: [], usage }) + DONE)
    })
    const body = await (await stream()).text()
    expect(dataIn(body).at(-1)).toBe('[DONE]')
  })
})

test('an upstream that talks on behind its [DONE] is cut off', async () => {
  const closed = Promise.withResolvers<void>()
  upstream.behave((out, call) => {
    void call.closed.then(closed.resolve)
    startStream(out, call)
    out.write(chunk({ content: 'a' }) + chunk({}, 'stop') + event({ choices: [], usage }) + DONE)
    const more = setInterval(() => out.write(chunk({ content: 'more' })), 5)
    void call.closed.then(() => clearInterval(more))
  })
  const body = await (await chat(gateway, saying('hi', { stream: true }))).text()
  await closed.promise
  expect(dataIn(body).at(-1)).toBe('[DONE]')
  expect(body).not.toContain('more')
})

test('a failure’s cause is not told, ours or theirs', async () => {
  upstream.behave((out) => out.destroy())
  const error = await errorOf(await chat(gateway, saying('hi')))
  expect(error).toMatchObject({ status: 503, code: 'upstream_unavailable' })
  expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'status', 'type'])
  expect(JSON.stringify(error)).not.toMatch(/127\.0\.0\.1|socket|ECONN|canary|node:/)
})
