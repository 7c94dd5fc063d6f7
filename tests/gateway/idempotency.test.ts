import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway
let account: TestAccount

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
beforeEach(async () => {
  upstream.behave(json(answer))
  account = await gateway.newAccount()
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const answer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1 },
}

const send = (key: string, over: object = {}) =>
  chat({ ...gateway, ...account }, saying('hi', over), {
    headers: { authorization: `Bearer ${account.secret}`, 'idempotency-key': key },
  })

const idOf = ({ headers }: Response) => headers.get('x-request-id')!

async function expectUsedBy(first: string, second: Response): Promise<void> {
  const error = await errorOf(second)
  expect(error).toMatchObject({
    status: 409,
    code: 'idempotency_key_used',
    first_request_id: first,
  })
  expect(second.headers.get('x-smartoken-first-request')).toBe(first)
  expect(second.headers.get('x-should-retry')).toBe('false')
  expect(idOf(second)).not.toBe(first)
}

describe('a request under a key that was used', () => {
  test('by one that succeeded is refused and names it', async () => {
    const first = await send('order-1')
    expect(first.status).toBe(200)
    await expectUsedBy(idOf(first), await send('order-1'))
    await expectUsedBy(idOf(first), await send('order-1', { stream: true, max_tokens: 5 }))
    expect(upstream.calls).toHaveLength(1)
    expect((await send('order-2')).status).toBe(200)
  })

  test('by one that runs is refused and names it', async () => {
    const release = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    upstream.behave(async (out, call) => {
      called.resolve()
      await release.promise
      json(answer)(out, call)
    })
    const first = send('order-1')
    await called.promise
    const second = await send('order-1')
    release.resolve()
    await expectUsedBy(idOf(await first), second)
    expect(upstream.calls).toHaveLength(1)
  })

  test.each([
    ['whose upstream failed', async () => upstream.behave((out) => out.writeHead(500).end())],
    [
      'that was refused upstream',
      async () =>
        upstream.behave((out) => out.writeHead(400).end('{"error":{"message":"bad temperature"}}')),
    ],
  ])('by one %s is served', async (_what, arrange) => {
    await arrange()
    const failed = await send('order-1')
    expect(failed.ok).toBe(false)
    await failed.text()
    upstream.behave(json(answer))
    const second = await send('order-1')
    expect(second.status).toBe(200)
    await expectUsedBy(idOf(second), await send('order-1'))
  })

  test('by one that was refused for money is served after a top-up', async () => {
    const funded = account
    account = await gateway.newAccount({ balance: '0' })
    expect((await send('order-1')).status).toBe(402)
    account = funded
    expect((await send('order-1')).status).toBe(200)
  })
})

test('a key of 255 characters is taken', async () => {
  expect((await send('~'.repeat(255))).status).toBe(200)
})

test.each([
  ['of 256 characters', '~'.repeat(256)],
  ['that is empty', ''],
  ['with a space', 'a b'],
  ['beyond ASCII', 'é'],
])('a key %s is refused', async (_what, key) => {
  expect(await errorOf(await send(key))).toMatchObject({
    status: 400,
    code: 'invalid_request',
    param: 'Idempotency-Key',
  })
})

test('the SDK retries a connection that broke once, learns of the first and tries no more', async () => {
  let asked = 0
  const client = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: account.secret,
    maxRetries: 3,
    // What a broken connection is to the SDK: the request was sent, and no answer came.
    fetch: async (url, init) => {
      asked += 1
      const got = await fetch(url, init)
      if (asked > 1) return got
      await got.text()
      throw new TypeError('fetch failed')
    },
  })
  const request = client.chat.completions.create(
    { model: 'deepseek-chat', messages: [{ role: 'user', content: 'hi' }] },
    { headers: { 'Idempotency-Key': 'order-1' } },
  )
  await expect(request).rejects.toMatchObject({ status: 409, code: 'idempotency_key_used' })
  expect([asked, upstream.calls.length]).toEqual([2, 1])
})
