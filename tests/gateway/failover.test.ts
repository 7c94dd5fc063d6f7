import { cost, findModel } from '@smartoken/prisma/catalog'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { providerKey } from '../support/canary/canaries.ts'
import { chat, dataIn, openSocket, receiptIn, saying, wireOf } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { withRoutes } from '../support/routes.ts'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { streaming } from '../support/streams.ts'
import {
  event,
  events,
  json,
  startUpstream,
  type Behaviour,
  type TestUpstream,
  type UpstreamCall,
} from '../support/upstream.ts'

let first: TestUpstream
let second: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  first = await startUpstream()
  second = await startUpstream()
  gateway = await startGateway({
    // glm-4.6's own provider is away.
    catalog: withRoutes(['deepseek-chat', 'glm-4.6'], { provider: 'ark', times: 3 }),
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
afterEach(async () => {
  expect(await gateway.breaks()).toEqual([])
  expect(slotsInUse()).toBe(0)
})
afterAll(async () => {
  await gateway.close()
  await first.close()
  await second.close()
})

const slotsInUse = () =>
  [...gateway.services.upstreams.values()].flat().reduce((sum, { slots }) => sum + slots.inUse, 0)

const usage = { prompt_tokens: 500, completion_tokens: 100 }
const prompt = 'x'.repeat(2_000)
const role = event({
  id: 'first',
  choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
})
const error = (status: number, said: object = { message: 'no' }): Behaviour =>
  json({ error: said }, status)

/** Answers both kinds of request well. */
const answers: Behaviour = (out, call) =>
  call.body['stream'] === true
    ? events(piece('second'), ending(usage))(out, call)
    : json(plainAnswer(usage))(out, call)

/** Begins a stream with these events and does the rest once they are on their way. */
const begun =
  (frames: string, then: Behaviour): Behaviour =>
  (out, call) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).write(frames, () => then(out, call))
  }

const failures: [string, Behaviour][] = [
  ['does not know our key', error(401)],
  ['wants money of us', error(402)],
  ['wants money of us, with a 400', error(400, { code: 'Arrearage', message: 'overdue' })],
  ['forbids', error(403)],
  ['does not know the model', error(404)],
  ['took too long', error(408)],
  ['is asked too much', error(429)],
  ['wants money of us, with a 429 (Zhipu)', error(429, { code: '1113', message: '余额不足' })],
  ['fails', error(500)],
  ['fails behind a proxy', json('<html>', 502)],
  ['is overloaded', error(503)],
  ['redirects', (out) => out.writeHead(307, { location: second.url }).end()],
  ['closes before its head', (out) => out.destroy()],
  ['resets before its head', (_out, { socket }) => socket.resetAndDestroy()],
  ['speaks no HTTP', (_out, { socket }) => socket.end('SSH-2.0-OpenSSH\r\n\r\n')],
  ['answers 200 and nothing', (out) => out.writeHead(200).end()],
  ['answers 200 and HTML', (out) => out.writeHead(200).end('<html>')],
  [
    'answers 200 and says it packed it, though not asked to',
    (out, call) => answers(out.setHeader('content-encoding', 'gzip'), call),
  ],
]
const plainFailures: [string, Behaviour][] = [
  ['answers 200 and an error', json({ error: { message: 'busy', code: 500 } })],
  ['answers 200 and means an error (MiniMax)', json({ base_resp: { status_code: 1002 } })],
  [
    'breaks off in the middle',
    (out) => out.writeHead(200).write('{"choices":[{"mess', () => out.destroy()),
  ],
  [
    'is reset in the middle',
    (out, { socket }) => out.writeHead(200).write('{"ch', () => socket.resetAndDestroy()),
  ],
]
const streamFailures: [string, Behaviour][] = [
  ['sends an error event first', events(event({ error: { message: 'busy', code: 500 } }))],
  ['sends an error event after a role', events(role, event({ error: { message: 'busy' } }))],
  [
    'means an error in its first event (MiniMax)',
    events(event({ base_resp: { status_code: 1002 } })),
  ],
  ['ends after a role', events(role)],
  ['is cut after a role', begun(role, (out) => out.destroy())],
  ['is reset after a role', begun(role, (_out, { socket }) => socket.resetAndDestroy())],
  ['is cut within its first event', begun('data: {"choices":[{"del', (out) => out.destroy())],
  ['only keeps alive', events(': keep-alive\n\n', ': keep-alive\n\n')],
  ['sends an event without end', events(`data: "${'x'.repeat(5 << 20)}`)],
]

describe('a second route answers a plain request where the first', () => {
  test.each([...failures, ...plainFailures])('%s', async (_name, behaviour) => {
    first.behave(behaviour)
    second.behave(answers)
    const got = await chat(gateway, saying(prompt))
    expect(got.status).toBe(200)
    expect(await got.json()).toMatchObject(plainAnswer(usage))
    expect(got.headers.get('x-smartoken-route')).toBe('ark/other')
    await servedBySecond(got)
  })
})

describe('a second route answers a stream where the first', () => {
  test.each([...failures, ...streamFailures])('%s', async (_name, behaviour) => {
    first.behave(behaviour)
    second.behave(answers)
    const got = await chat(gateway, saying(prompt, { stream: true }))
    expect(got.status).toBe(200)
    expect(got.headers.get('x-smartoken-route')).toBe('ark/other')
    const text = await got.text()
    expect(text).not.toContain('"first"')
    expect(dataIn(text).filter((data) => data.includes('second'))).toHaveLength(1)
    expect(dataIn(text).at(-1)).toBe('[DONE]')
    expect(receiptIn(text)).toMatchObject({ route: 'ark/other' })
    await servedBySecond(got)
  })
})

/** That the second was asked once and is what the request was charged and booked for. */
async function servedBySecond(got: Response): Promise<void> {
  expect(second.calls).toHaveLength(1)
  expect(second.calls[0]!.body).toMatchObject({ model: 'other' })
  expect(second.calls[0]!.body).not.toHaveProperty('thinking')
  expect(second.calls[0]!.headers.authorization).toBe(`Bearer ${providerKey('second')}`)
  await gateway.quiet()
  const row = await gateway.requestRow(got.headers.get('x-request-id')!)
  expect(row).toMatchObject({
    attempts: first.calls.length + 1,
    route: 'ark/other',
    provider: 'ark',
    outcome: 'completed',
    usage_source: 'provider',
    status: 200,
    error_code: null,
  })
  const { catalog } = gateway.services
  const { model } = findModel(catalog, 'deepseek-chat')!
  const counted = { input: 500, cachedInput: 0, cacheWrite: 0, output: 100, thinkingOutput: 0 }
  const [own, other] = model.routes.map((route) =>
    cost(catalog, counted, route, row['opened_at'] as Date),
  )
  expect(row['cost']).toBe(other)
  expect(other).toBeGreaterThan(own!)
}

test('a second route answers where nobody listens at the first', async () => {
  second.behave(answers)
  const got = await chat(gateway, saying(prompt, { model: 'glm-4.6' }))
  expect(got.status).toBe(200)
  expect(got.headers.get('x-smartoken-route')).toBe('ark/other')
  expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({ attempts: 2 })
})

test('the price stays the model’s, whichever route answers', async () => {
  const rows = []
  for (const behaviour of [answers, error(500)]) {
    first.behave(behaviour)
    second.behave(answers)
    const got = await chat(gateway, saying(prompt))
    rows.push(await gateway.requestRow(got.headers.get('x-request-id')!))
  }
  const [cheap, dear] = rows
  expect(dear!.price_id).toBe(cheap!.price_id)
  expect(dear!.charge).toBe(cheap!.charge)
  expect(dear!['cost']).not.toBe(cheap!['cost'])
})

describe.each([
  ['plain', {}],
  ['streamed', { stream: true }],
])('a %s request', (_kind, over) => {
  test('that is wrong in itself is not tried twice', async () => {
    first.behave(error(400))
    second.behave(answers)
    expect(await errorOf(await chat(gateway, saying('hi', over)))).toMatchObject({
      status: 400,
      code: 'upstream_rejected',
    })
    expect(second.calls).toEqual([])
  })

  test('that no route answers is told the last one’s error and is free', async () => {
    first.behave(error(429))
    second.behave(error(500))
    const before = await gateway.wallet()
    const got = await chat(gateway, saying('hi', over))
    expect(await errorOf(got)).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    await gateway.quiet()
    expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
      attempts: 2,
      charge: 0n,
      cost: 0n,
      route: 'ark/other',
      outcome: 'upstream_error',
    })
    expect(await gateway.wallet()).toEqual(before)
  })

  test('whose client leaves while the first route is silent is not asked of the second', async () => {
    const called = Promise.withResolvers<UpstreamCall>()
    first.behave((_out, call) => called.resolve(call))
    second.behave(answers)
    const account = await gateway.newAccount()
    const socket = openSocket(
      gateway,
      wireOf({ ...gateway, ...account }, saying('hi', { ...over, stream: true })),
    )
    const { closed } = await called.promise
    socket.resetAndDestroy()
    await closed
    await gateway.quiet()
    expect(second.calls).toEqual([])
    const { rows } = await gateway.database.query('select * from request where account_id = $1', [
      account.accountId,
    ])
    expect(rows).toMatchObject([{ outcome: 'client_left_before_output', attempts: 1 }])
  })
})

test('nothing of an upstream’s headers is passed on, and its redirect is not followed', async () => {
  const elsewhere = await startUpstream()
  first.behave((out) => out.writeHead(302, { location: `${elsewhere.url}/x` }).end())
  second.behave(
    json(plainAnswer(usage), 200, { 'set-cookie': 'a=b', server: 'secret', 'x-request-id': 'own' }),
  )
  const got = await chat(gateway, saying(prompt))
  expect(got.status).toBe(200)
  expect([...got.headers].join()).not.toMatch(/a=b|secret|own/)
  expect(elsewhere.calls).toEqual([])
  await elsewhere.close()
})

describe('a stream that has had output', () => {
  test.each<[string, Behaviour]>([
    ['is cut', (out) => out.destroy()],
    ['ends', (out) => out.end()],
    ['sends an error', (out) => out.end(event({ error: { message: 'busy' } }))],
  ])('is not begun anew when it %s', async (_name, then) => {
    const seen = Promise.withResolvers<void>()
    first.behave(begun(piece('half'), (out, call) => void seen.promise.then(() => then(out, call))))
    second.behave(answers)
    const got = await chat(gateway, saying(prompt, { stream: true }))
    expect(got.headers.get('x-smartoken-route')).toMatch(/^deepseek\//)
    seen.resolve()
    const text = await got.text()
    expect(dataIn(text).at(-1)).toContain('"upstream_broke"')
    expect(text).not.toMatch(/\[DONE\]|second/)
    expect(second.calls).toEqual([])
    await gateway.quiet()
    expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
      outcome: 'upstream_broke',
      attempts: 1,
      charge: 0n,
    })
  })
})

describe('a stream that has only been kept alive', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  /** Asks for a stream and lets half a minute pass on a first route that has sent no more than a role. */
  async function keptAlive() {
    const streams = streaming(first)
    const answer = chat(gateway, saying(prompt, { stream: true }))
    const stream = await streams.next()
    stream.write(role)
    await vi.waitUntil(() => vi.getTimerCount() === 1)
    vi.advanceTimersByTime(30_000)
    return { stream, answer: await answer }
  }

  test('may still be another route’s', async () => {
    const { stream, answer } = await keptAlive()
    second.behave(answers)
    stream.out.destroy()
    const text = await answer.text()
    expect(text.startsWith(': keep-alive\n\n: keep-alive\n\n')).toBe(true)
    // It was sent before anybody knew which it would be; the receipt says.
    expect(answer.headers.get('x-smartoken-route')).toBeNull()
    expect(receiptIn(text)).toMatchObject({ route: 'ark/other' })
    expect(text).not.toContain('"first"')
    expect(dataIn(text).at(-1)).toBe('[DONE]')
    await servedBySecond(answer)
  })

  test('is kept alive while another route is silent, too', async () => {
    const { stream, answer } = await keptAlive()
    const streams = streaming(second)
    stream.out.destroy()
    const other = await streams.next()
    vi.advanceTimersByTime(15_000)
    other.write(piece('second'))
    other.end(ending(usage))
    expect((await answer.text()).match(/^: keep-alive$/gm)).toHaveLength(3)
  })

  test('is told by one event that no route answers', async () => {
    const { stream, answer } = await keptAlive()
    second.behave(error(500))
    stream.out.destroy()
    const text = await answer.text()
    expect(answer.status).toBe(200)
    expect(dataIn(text)).toEqual([expect.stringContaining('"upstream_unavailable"')])
    await gateway.quiet()
    expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
      outcome: 'upstream_error',
      status: 200,
      charge: 0n,
      attempts: 2,
    })
  })
})

describe('a connection that lay idle and turns out to be closed', () => {
  /** Leaves one open connection to the first upstream, which has answered. */
  async function used(): Promise<void> {
    first.behave((_out, { socket }) => socket.destroy())
    await chat(gateway, saying('hi')) // none is left
    first.behave(answers)
    await chat(gateway, saying('hi'))
  }
  const close: Behaviour = (_out, { socket }) => socket.destroy()
  const reset: Behaviour = (_out, { socket }) => socket.resetAndDestroy()

  test.each([
    ['closed', close],
    ['reset', reset],
  ])('(%s) is made anew, to the same key', async (_name, end) => {
    await used()
    let calls = 0
    first.behave((out, call) => ((calls += 1) === 1 ? end(out, call) : answers(out, call)))
    second.behave(answers)
    const got = await chat(gateway, saying('hi'))
    expect(got.headers.get('x-smartoken-route')).toMatch(/^deepseek\//)
    expect([first.calls.length, second.calls.length]).toEqual([2, 0])
    expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
      attempts: 2,
    })
  })

  test('is made anew once only', async () => {
    await used()
    first.behave(reset)
    second.behave(answers)
    await chat(gateway, saying('hi'))
    expect([first.calls.length, second.calls.length]).toEqual([2, 1])
  })

  test('is not made anew where it was new', async () => {
    await used()
    first.behave(close)
    await chat(gateway, saying('hi')) // none is left
    first.behave(close)
    second.behave(answers)
    await chat(gateway, saying('hi'))
    expect([first.calls.length, second.calls.length]).toEqual([1, 1])
  })

  test('is not made anew where its answer had begun', async () => {
    await used()
    first.behave((out, call) => out.writeHead(200).write('{"ch', () => reset(out, call)))
    second.behave(answers)
    await chat(gateway, saying('hi'))
    expect([first.calls.length, second.calls.length]).toEqual([1, 1])
  })
})
