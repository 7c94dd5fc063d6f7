import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { piece, plainAnswer } from '../support/answers.ts'
import { providerKey } from '../support/canary/canaries.ts'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { withRoutes } from '../support/routes.ts'
import { until } from '../support/until.ts'
import { json, startUpstream, type Behaviour, type TestUpstream } from '../support/upstream.ts'

let first: TestUpstream
let second: TestUpstream
let gateway: TestGateway | undefined

beforeAll(async () => {
  first = await startUpstream()
  second = await startUpstream()
})
afterEach(async () => {
  expect(await gateway?.breaks()).toEqual([])
  await gateway?.close()
  gateway = undefined
})
afterAll(async () => {
  await first.close()
  await second.close()
})

const answers = json(plainAnswer({ prompt_tokens: 5, completion_tokens: 5 }))
const fails = json({ error: { message: 'no' } }, 500)

/** A behaviour that is one thing for every second call, another for the others. */
function alternately(one: Behaviour, other: Behaviour): Behaviour {
  let calls = 0
  return (out, call) => ((calls += 1) % 2 === 0 ? one(out, call) : other(out, call))
}

const environment = (keys = providerKey('first')) => ({
  DEEPSEEK_API_KEY: keys,
  DEEPSEEK_BASE_URL: first.url,
  ARK_API_KEY: providerKey('second'),
  ARK_BASE_URL: second.url,
})

/** A gateway that judges upstreams as in production, but for what is given; deepseek-chat has a route to each upstream. */
async function start(options: GatewayOptions & { times?: number } = {}): Promise<TestGateway> {
  gateway = await startGateway({
    balance: '100',
    catalog: withRoutes(['deepseek-chat'], { provider: 'ark', times: options.times ?? 3 }),
    env: environment(),
    health: {},
    retries: {},
    ...options,
  })
  return gateway
}

/** Sends so many requests, ten at a time; returns how many were answered with each status. */
async function send(to: TestGateway, count: number): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {}
  let left = count
  const sender = async () => {
    while ((left -= 1) >= 0) {
      const answer = await chat(to, saying('hi'))
      await answer.arrayBuffer()
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: 10 }, sender))
  return statuses
}

const routeOf = async (to: TestGateway): Promise<string | null> =>
  (await chat(to, saying('hi'))).headers.get('x-smartoken-route')

describe('of 2,000 requests, with a route that fails every second time', () => {
  test.each<[string, Behaviour, number]>([
    ['is well', answers, 1_990],
    ['fails every second time, too', alternately(answers, fails), 900],
    ['always fails', fails, 800],
  ])(
    'and another that %s, at most 2,200 attempts are made',
    async (_name, behaviour, least) => {
      const to = await start()
      first.behave(alternately(answers, fails))
      second.behave(behaviour)
      const statuses = await send(to, 2_000)
      expect(first.calls.length + second.calls.length).toBeLessThanOrEqual(2_200)
      expect(statuses[200]).toBeGreaterThanOrEqual(least)
    },
    120_000,
  )
})

describe('routes', () => {
  test('are tried the cheapest first, whatever their order', async () => {
    first.behave(answers)
    second.behave(answers)
    expect(await routeOf(await start({ times: 0 }))).toBe('ark/other')
  })

  test('are tried in their order where they cost the same', async () => {
    first.behave(answers)
    expect(await routeOf(await start({ times: 1 }))).toMatch(/^deepseek\//)
  })

  test('that fail are left alone', async () => {
    const to = await start({ health: { restMs: [600_000] } })
    first.behave(fails)
    second.behave(answers)
    for (let at = 0; at < 8; at += 1) expect(await routeOf(to)).toBe('ark/other')
    expect([first.calls.length, second.calls.length]).toEqual([5, 8])
  })

  test('that are well again are used again once one request was answered', async () => {
    const to = await start({ health: { restMs: [50] } })
    first.behave(fails)
    second.behave(answers)
    for (let at = 0; at < 5; at += 1) expect(await routeOf(to)).toBe('ark/other')
    first.behave(answers)
    await until(async () => (await routeOf(to))?.startsWith('deepseek/'))
    expect(await routeOf(to)).toMatch(/^deepseek\//)
  })

  test('that are all out answer 503 before anything is held, and the model is listed as unavailable', async () => {
    const to = await start({ health: { restMs: [60_000] } })
    first.behave(fails)
    second.behave(fails)
    for (let at = 0; at < 6; at += 1) await chat(to, saying('hi'))
    const asked = first.calls.length + second.calls.length
    const answer = await chat(to, saying('hi'))
    expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    expect(answer.headers.get('retry-after')).toBe('60')
    expect(first.calls.length + second.calls.length).toBe(asked)
    const listed = await fetch(`${to.url}/v1/models/deepseek-chat`)
    expect(await listed.json()).toMatchObject({ status: 'unavailable' })
  })
})

describe('keys', () => {
  const keys = ['a', 'b', 'c'].map((name) => providerKey(name))
  const keyOf = (upstream: TestUpstream, at: number) => upstream.calls.at(at)!.headers.authorization

  /** The key by which a caller's request is sent. */
  async function keyFor(to: TestGateway, account: TestAccount, over: object = {}) {
    await chat({ ...to, ...account }, saying('hi', over))
    return keyOf(first, -1)
  }

  test('are kept to by an account, or by a cache key; without one only its callers move', async () => {
    const to = await start({ env: environment(keys.join(',')) })
    first.behave(answers)
    const accounts = await Promise.all(Array.from({ length: 12 }, () => to.newAccount()))
    const before: (string | undefined)[] = []
    for (const account of accounts) before.push(await keyFor(to, account))
    expect(new Set(before).size).toBeGreaterThan(1)
    for (const [at, account] of accounts.entries())
      expect(await keyFor(to, account)).toBe(before[at])

    const cached = []
    for (let at = 0; at < 12; at += 1)
      cached.push(await keyFor(to, accounts[0]!, { prompt_cache_key: `conversation ${at}` }))
    expect(new Set(cached).size).toBeGreaterThan(1)

    const gone = before[0]
    first.behave((out, call) =>
      call.headers.authorization === gone
        ? json({ error: { message: 'slow down' } }, 429, { 'retry-after': '60' })(out, call)
        : answers(out, call),
    )
    await keyFor(to, accounts[0]!)
    const after: (string | undefined)[] = []
    for (const account of accounts) after.push(await keyFor(to, account))
    const stayed = (at: number) => (before[at] === gone ? undefined : before[at])
    expect(after).not.toContain(gone)
    expect(after.map((key, at) => stayed(at) ?? key)).toEqual(after)
  })

  test('that are limited rest for as long as the provider says; where all are, so is the client told', async () => {
    const to = await start({ env: environment(keys.join(',')) })
    first.behave(json({ error: { message: 'slow down' } }, 429, { 'retry-after': '90' }))
    second.behave(json({ error: { message: 'slow down' } }, 429, { 'retry-after': '120' }))
    expect(await errorOf(await chat(to, saying('hi')))).toMatchObject({ status: 429 })
    expect([first.calls.length, second.calls.length]).toEqual([3, 1])
    expect(new Set(first.calls.map(({ headers }) => headers.authorization)).size).toBe(3)
    const answer = await chat(to, saying('hi'))
    expect(await errorOf(answer)).toMatchObject({ status: 429, code: 'load_protection' })
    expect(answer.headers.get('retry-after')).toBe('60') // SDKs wait no longer
    expect(first.calls).toHaveLength(3)
  })

  test('that are refused are left alone, and an operator is told', async () => {
    const to = await start({ env: environment(keys.slice(0, 2).join(',')) })
    first.behave(json({ error: { message: 'invalid key' } }, 401))
    second.behave(answers)
    for (let at = 0; at < 4; at += 1) expect((await chat(to, saying('hi'))).status).toBe(200)
    expect(first.calls).toHaveLength(2)
    const metrics = await to.services.telemetry.metrics.registry.metrics()
    expect(metrics).toContain('smartoken_alerts_total{code="upstream_key_refused"} 2')
  })

  test('of a provider that is away are tried behind other providers', async () => {
    const to = await start({ env: environment(keys.join(',')) })
    first.behave(fails)
    second.behave(answers)
    expect(await routeOf(to)).toBe('ark/other')
    expect([first.calls.length, second.calls.length]).toEqual([1, 1])
  })
})

test('where every key has all the requests it may have, another is told when to come back, and is free', async () => {
  const to = await start({
    env: { ...environment(), DEEPSEEK_CONCURRENCY: '1', ARK_CONCURRENCY: '1' },
    billsOnCancel: 'stops',
  })
  const open: Promise<Response>[] = []
  for (const upstream of [first, second]) {
    const { promise, resolve } = Promise.withResolvers<void>()
    upstream.behave((out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('a'), () => resolve())
    })
    const account = await to.newAccount()
    open.push(chat({ ...to, ...account }, saying('hi', { stream: true })))
    await promise
  }
  const answer = await chat(to, saying('hi'))
  expect(await errorOf(answer)).toMatchObject({ status: 429, code: 'load_protection' })
  expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  expect([first.calls.length, second.calls.length]).toEqual([1, 1])
  for (const stream of open) await (await stream).body!.cancel()
  await to.quiet()
  for (const { slots } of [...to.services.upstreams.values()].flat()) expect(slots.inUse).toBe(0)
})
