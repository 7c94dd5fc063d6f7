import { mostExpensive, outputTokensFor, quote, type PriceRow } from '@smartoken/prisma/catalog'
import { formatUsd, nanoUsd, usd, type NanoUsd } from '@smartoken/prisma/money'
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
beforeEach(() => upstream.behave(json(answer)))
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const answer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1 },
}

const body = saying('x'.repeat(100))
const promptTokens = Buffer.byteLength(JSON.stringify(body)) + 512

const send = (over: object = {}) => chat({ ...gateway, ...account }, { ...body, ...over })

/** An account with as much as this makes of the price that is live now. */
async function accountWith(amount: (price: PriceRow) => bigint): Promise<TestAccount> {
  const { catalog } = gateway.services
  const model = catalog.models.find(({ id }) => id === 'deepseek-chat')!
  const { price } = quote(catalog, model, new Date())
  return gateway.newAccount({ balance: formatUsd(nanoUsd(amount(price))) })
}

const change = (table: 'api_key' | 'account', set: string) =>
  gateway.database.query(`update ${table} set ${set} where id = $1`, [
    table === 'account' ? account.accountId : account.apiKeyId,
  ])

describe('a wallet', () => {
  test('that is empty is told what would help, and the upstream is not called', async () => {
    account = await gateway.newAccount({ balance: '0' })
    const refused = await send()
    const error = await errorOf(refused)
    expect(error).toMatchObject({ status: 402, code: 'insufficient_balance' })
    expect(error).toMatchObject({ type: 'insufficient_quota', affordable_tokens: 0 })
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(upstream.calls).toEqual([])
  })

  test('that pays 255 tokens is too low for 256, and told so', async () => {
    const amount = (price: PriceRow) =>
      mostExpensive(price, { inputTokens: promptTokens, outputTokens: 255 })
    account = await accountWith(amount)
    const refused = await send()
    expect(await errorOf(refused)).toMatchObject({
      status: 402,
      code: 'insufficient_balance',
      affordable_tokens: 255,
    })
    expect(upstream.calls).toEqual([])
  })

  test('that pays 255 tokens is enough for a request of 200', async () => {
    account = await accountWith((price) =>
      mostExpensive(price, { inputTokens: promptTokens + 20, outputTokens: 255 }),
    )
    const got = await send({ max_tokens: 200 })
    expect(got.status).toBe(200)
    expect(got.headers.get('x-smartoken-adjusted')).toBeNull()
    expect(upstream.calls[0]!.body['max_tokens']).toBe(200)
  })

  test('that pays part of the limit gets that part, said in a header and sent upstream', async () => {
    account = await accountWith((price) =>
      mostExpensive(price, { inputTokens: promptTokens, outputTokens: 1_000 }),
    )
    const got = await send()
    expect(got.status).toBe(200)
    expect(got.headers.get('x-smartoken-adjusted')).toBe('max_tokens=1000')
    expect(upstream.calls[0]!.body['max_tokens']).toBe(1_000)
    expect(await gateway.requestRow(got.headers.get('x-request-id')!)).toMatchObject({
      max_tokens_asked: null,
      max_tokens_sent: 1_000,
    })
  })

  test('names cheaper models that are sold', async () => {
    account = await gateway.newAccount({ balance: '0' })
    const error = await errorOf(await send({ model: 'kimi-k3' }))
    expect(error).toMatchObject({ status: 402, code: 'insufficient_balance' })
    const models = error['cheaper_models'] as string[]
    expect(models).toHaveLength(3)
    const sold = gateway.services.catalog.models.filter((model) => model.sold).map(({ id }) => id)
    expect(sold).toEqual(expect.arrayContaining(models))
  })

  test('is held for while the request runs, and freed after', async () => {
    account = await gateway.newAccount({ balance: '1' })
    let during: Awaited<ReturnType<typeof gateway.wallet>> | undefined
    upstream.behave(async (out, call) => {
      during = await gateway.wallet(account)
      json(answer)(out, call)
    })
    const got = await send()
    const row = await gateway.requestRow(got.headers.get('x-request-id')!)
    expect(during).toEqual({ posted: usd('1'), held: row['held'], openHolds: 1 })
    const price = gateway.services.catalog.models
      .flatMap(({ prices }) => prices)
      .find(({ id }) => id === row.price_id)!
    expect(outputTokensFor(price, promptTokens, row['held'] as NanoUsd)).toBe(4_096)
  })

  test('pays never more than it has, however many ask at once', async () => {
    account = await accountWith(
      (price) => 5n * mostExpensive(price, { inputTokens: promptTokens + 20, outputTokens: 300 }),
    )
    const release = Promise.withResolvers<void>()
    upstream.behave(async (out, call) => {
      await release.promise
      json({ ...answer, usage: { prompt_tokens: promptTokens, completion_tokens: 300 } })(out, call)
    })
    const asked = Array.from({ length: 40 }, () => send({ max_tokens: 300 }))
    const refused = await Promise.race([
      // 35 of 40 are refused while 5 are held back; then those are let go.
      new Promise<number>((resolve) => {
        let count = 0
        for (const one of asked)
          void one.then((got) => got.status === 402 && ++count === 35 && resolve(count))
      }),
      Promise.allSettled(asked),
    ])
    release.resolve()
    expect(refused).toBe(35)
    const statuses = (await Promise.all(asked)).map((got) => got.status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(5)
  })
})

describe('a limit', () => {
  beforeEach(async () => {
    account = await gateway.newAccount({ balance: '1' })
  })

  test('more than a model can answer is what it can answer', async () => {
    account = await gateway.newAccount({ balance: '1000' })
    const model = gateway.services.catalog.models.find(({ id }) => id === 'deepseek-chat')!
    expect((await send({ max_tokens: 2 ** 31 - 1 })).status).toBe(200)
    expect(upstream.calls[0]!.body['max_tokens']).toBe(model.maxOutput)
  })

  test.each([
    ['frozen account', 'account', `frozen_at = now(), frozen_reason = 'x'`, 403, 'account_frozen'],
    ['key for other models', 'api_key', `models = '{kimi-k3}'`, 403, 'model_not_allowed'],
    ['spend cap of a key', 'api_key', 'cap_total = 1000', 402, 'spend_cap_reached'],
    ['daily cap of a key', 'api_key', 'cap_daily = 0', 402, 'spend_cap_reached'],
  ] as const)('by a %s is refused', async (_name, table, set, status, code) => {
    await change(table, set)
    const refused = await send()
    expect(await errorOf(refused)).toMatchObject({ status, code })
    expect(refused.headers.get('x-should-retry')).toBe(status === 402 ? 'false' : null)
    expect(upstream.calls).toEqual([])
  })

  test('by a key for the model, under any of its names, is none', async () => {
    await change('api_key', `models = '{deepseek-chat}'`)
    expect((await send({ model: 'deepseek/deepseek-chat' })).status).toBe(200)
  })

  test.each([
    ['requests of the key', 'api_key', 'requests_per_minute = 1', '60'],
    ['requests of the account', 'account', 'requests_per_minute = 2', '30'],
    ['tokens of the key', 'api_key', 'tokens_per_minute = 5000', expect.any(String)],
    ['tokens of the account', 'account', 'tokens_per_minute = 5000', expect.any(String)],
  ] as const)(
    'of %s says how long to wait, in whole seconds',
    async (_name, table, set, seconds) => {
      await change(table, set)
      const release = Promise.withResolvers<void>()
      upstream.behave(async (out, call) => {
        await release.promise
        json(answer)(out, call)
      })
      const asked = Array.from({ length: 4 }, () => send())
      const refused = await Promise.race(asked)
      expect(await errorOf(refused.clone())).toMatchObject({
        status: 429,
        code: 'rate_limit_exceeded',
      })
      expect(refused.headers.get('retry-after')).toEqual(seconds)
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      release.resolve()
      const statuses = (await Promise.all(asked)).map((got) => got.status)
      expect(new Set(statuses)).toEqual(new Set([200, 429]))
    },
  )

  test('of concurrent requests lets another in when one has ended', async () => {
    await change('api_key', 'concurrent_requests = 1')
    const release = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    upstream.behave(async (out, call) => {
      called.resolve()
      await release.promise
      json(answer)(out, call)
    })
    const first = send()
    await called.promise
    const refused = await send()
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(refused.headers.get('retry-after')).toBe('1')
    release.resolve()
    expect((await first).status).toBe(200)
    expect((await send()).status).toBe(200)
  })
})

test('a key revoked while it is remembered is refused from the next request on', async () => {
  account = await gateway.newAccount({ balance: '1' })
  expect((await send()).status).toBe(200)
  await change('api_key', 'revoked_at = now()')
  expect(await errorOf(await send())).toMatchObject({ status: 401, code: 'invalid_api_key' })
})

test('a price that is no longer the database’s is not charged', async () => {
  account = await gateway.newAccount({ balance: '1' })
  const { rows } = await gateway.database.query<{ id: string }>(
    `update price set valid_until = now() where model_id = 'deepseek-chat' and valid_until is null returning id`,
  )
  try {
    const refused = await send()
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'billing_unavailable' })
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(upstream.calls).toEqual([])
  } finally {
    await gateway.database.query('update price set valid_until = null where id = any ($1)', [
      rows.map(({ id }) => id),
    ])
  }
})
