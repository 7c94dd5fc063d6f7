import { setTimeout as wait } from 'node:timers/promises'
import { findModel, loadCatalog, mostExpensive, quote } from '@smartoken/prisma/catalog'
import type { Pool } from '@smartoken/prisma/database'
import { credit, loadPrices, reconcile } from '@smartoken/prisma/ledger'
import { nanoUsd, type NanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../support/accounts.ts'
import { walletOf } from '../support/books.ts'
import { chat, saying } from '../support/chat.ts'
import { setClock } from '../support/clock.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { event, startUpstream, type TestUpstream } from '../support/upstream.ts'

const GATEWAYS = 4
const REQUESTS = 1_000
const AFFORDABLE = 50
const LIMIT = 100
/** Tokens a stream's answer is held for at a time. */
const SLICE = 4_096
/** Tokens a prompt is held for beyond its bytes. */
const TEMPLATE_ALLOWANCE = 512

const body = (over: object) => saying('hi', { model: 'kimi-k3', max_tokens: LIMIT, ...over })

let testDatabase: TestDatabase
let upstream: TestUpstream
let gateways: GatewayProcess[]

beforeAll(async () => {
  testDatabase = await createDatabase()
  await testDatabase.pool.query('select ensure_partitions()')
  await loadPrices(testDatabase.pool, loadCatalog())
  await slowDown(testDatabase.pool)
  upstream = await startUpstream()
  const options = { databaseUrl: testDatabase.url, upstreamUrl: upstream.url }
  gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => startGatewayProcess(options)))
})
afterEach(async () => {
  const { rows } = await testDatabase.pool.query('select request_id from hold')
  expect(rows).toEqual([])
  expect(await reconcile(testDatabase.pool)).toEqual([])
})
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await upstream.close()
  await testDatabase.drop()
})

/** Stretches the moment between a decision and its commit, in which another gateway must not decide by the same balance. */
const slowDown = (database: Pool) =>
  database.query(`
    create function take_time() returns trigger language plpgsql as $$
    begin
      perform pg_sleep(0.02);
      return null;
    end $$;
    create trigger take_time after insert on hold for each statement execute function take_time();`)

/** What one of these requests holds, by the prices as published: its prompt's bound and so many tokens of its answer. */
function holdOf(request: object, outputTokens = LIMIT): { amount: NanoUsd; promptTokens: number } {
  const catalog = loadCatalog()
  const { price } = quote(catalog, findModel(catalog, 'kimi-k3')!.model, new Date())
  const inputTokens = Buffer.byteLength(JSON.stringify(request)) + TEMPLATE_ALLOWANCE
  const amount = mostExpensive(price, { inputTokens, outputTokens })
  return { amount, promptTokens: inputTokens }
}

const times = (amount: bigint, count: number): NanoUsd => nanoUsd(amount * BigInt(count))

/** On a machine that has other work too, some may not be decided within their second; they ask again as they are told. */
async function decidedAnswer(to: { url: string; secret: string }, request: object) {
  for (;;) {
    const answer = await chat(to, request)
    if (answer.status !== 503) return answer
    await answer.arrayBuffer()
    await wait(1_000 * Number(answer.headers.get('retry-after')))
  }
}

let refs = 0

/** Money in parts: each amount is a lot of its own. */
const give = (
  { accountId }: TestAccount,
  kind: 'top_up' | 'promo',
  ...amounts: readonly NanoUsd[]
) =>
  credit(
    testDatabase.pool,
    amounts.map((amount) => ({
      ref: `race-${(refs += 1)}`,
      kind,
      source: kind === 'promo' ? 'promo_expense' : 'cash_in:test',
      accountId,
      amount,
      withdrawable: false,
    })),
  )

/** Sends all requests at once to all gateways; nothing is answered before every one of them is decided. Each uses all it holds. */
async function race(
  { secret }: TestAccount,
  request: object,
  outputTokens = LIMIT,
): Promise<Record<string, number>> {
  const decided = Promise.withResolvers<void>()
  const { promptTokens } = holdOf(request)
  upstream.behave(async (out, call) => {
    if (upstream.calls.length > AFFORDABLE) decided.resolve() // else a failing test would hang
    await decided.promise
    const usage = { prompt_tokens: promptTokens, completion_tokens: outputTokens }
    const streamed = call.body['stream'] === true
    const piece = { content: 'a' }
    const choice = {
      index: 0,
      finish_reason: 'stop',
      ...(streamed ? { delta: piece } : { message: piece }),
    }
    const answer = { choices: [choice], usage }
    out.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json' })
    out.end(streamed ? event(answer) + event('[DONE]') : JSON.stringify(answer))
  })
  let refused = 0
  const answers = Array.from({ length: REQUESTS }, async (_, at) => {
    const answer = await decidedAnswer({ url: gateways[at % GATEWAYS]!.url, secret }, request)
    if (answer.status !== 200) refused += 1
    if (refused >= REQUESTS - AFFORDABLE) decided.resolve()
    const text = await answer.text()
    return answer.status === 200 ? '200' : `${answer.status} ${/"code":"(\w+)"/.exec(text)?.[1]}`
  })
  const counted = Object.groupBy(await Promise.all(answers), (answer) => answer)
  return Object.fromEntries(Object.entries(counted).map(([answer, all]) => [answer, all!.length]))
}

test('the first 1,000 requests ever of a wallet that affords 50, at once over 4 gateways: 50 and no more', async () => {
  const account = await createAccount(testDatabase.pool)
  await give(account, 'top_up', times(holdOf(body({})).amount, AFFORDABLE))
  expect(await race(account, body({}))).toEqual({
    200: AFFORDABLE,
    '402 insufficient_balance': REQUESTS - AFFORDABLE,
  })
  expect(upstream.calls).toHaveLength(AFFORDABLE)
  // Each cost all it held.
  expect(await walletOf(testDatabase.pool, account)).toEqual({ posted: 0n, held: 0n })
})

test('promo and paid money that together afford 50 are spent to the last nano-dollar', async () => {
  const account = await createAccount(testDatabase.pool)
  const { amount } = holdOf(body({}))
  const half = nanoUsd(amount / 2n)
  await give(account, 'promo', times(amount, 17), half)
  await give(account, 'top_up', nanoUsd(amount - half), times(amount, AFFORDABLE - 18))
  expect(await race(account, body({}))).toEqual({
    200: AFFORDABLE,
    '402 insufficient_balance': REQUESTS - AFFORDABLE,
  })
  expect(await walletOf(testDatabase.pool, account)).toEqual({ posted: 0n, held: 0n })
})

test.each([
  ['no more than a slice', LIMIT, LIMIT],
  ['more', 20_000, SLICE],
])('streams of %s hold as exactly', async (_size, limit, held) => {
  const account = await createAccount(testDatabase.pool)
  const request = body({ stream: true, max_tokens: limit })
  await give(account, 'top_up', times(holdOf(request, held).amount, AFFORDABLE))
  expect(await race(account, request, held)).toEqual({
    200: AFFORDABLE,
    '402 insufficient_balance': REQUESTS - AFFORDABLE,
  })
  expect(await walletOf(testDatabase.pool, account)).toEqual({ posted: 0n, held: 0n })
})

test('a key whose cap allows 50 is admitted 50 times, whatever is in the wallet', async () => {
  const account = await createAccount(testDatabase.pool, { balance: '1000' })
  await testDatabase.pool.query('update api_key set cap_total = $2 where id = $1', [
    account.apiKeyId,
    times(holdOf(body({})).amount, AFFORDABLE),
  ])
  expect(await race(account, body({}))).toEqual({
    200: AFFORDABLE,
    '402 spend_cap_reached': REQUESTS - AFFORDABLE,
  })
})

test.each(['concurrent_requests', 'requests_per_minute'])(
  'an account whose %s are 50 is admitted 50 times',
  async (limit) => {
    await setClock(testDatabase.pool, new Date()) // a minute that does not go by
    const account = await createAccount(testDatabase.pool, { balance: '1000' })
    await testDatabase.pool.query(`update account set ${limit} = $2 where id = $1`, [
      account.accountId,
      AFFORDABLE,
    ])
    expect(await race(account, body({}))).toEqual({
      200: AFFORDABLE,
      '429 rate_limit_exceeded': REQUESTS - AFFORDABLE,
    })
  },
)
