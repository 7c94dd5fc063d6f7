import { countUsage } from '@smartoken/prisma/bill'
import { charge, mostExpensive, type Usage } from '@smartoken/prisma/catalog'
import type { NanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { chat, sayingExactly as saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type RequestRow, type TestGateway } from '../support/gateway.ts'
import { leavingClient, type LeavingClient } from '../support/leaving-client.ts'
import { streaming, type OpenStream } from '../support/streams.ts'
import { until } from '../support/until.ts'
import { event, json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway
/** Whose drains and tails are over at once. */
let hasty: TestGateway
let account: TestAccount
let streams: ReturnType<typeof streaming>

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url, billsOnCancel: 'continues' })
  hasty = await startGateway({
    upstreamUrl: upstream.url,
    billsOnCancel: 'continues',
    drains: { drainMs: 50, tailMs: 50 },
  })
})
beforeEach(async () => {
  streams = streaming(upstream)
  account = await gateway.newAccount()
})
afterEach(async () => {
  for (const one of [gateway, hasty]) expect(await one.breaks()).toEqual([])
})
afterAll(async () => {
  await gateway.close()
  await hasty.close()
  await upstream.close()
})

const body = saying('hi', { stream: true })
const PROMPT_BYTES = Buffer.byteLength('roleusercontenthi')
const usage = { prompt_tokens: 9, completion_tokens: 700 }
const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
const reported: Usage = { ...NOTHING, input: 9, output: 700 }

/** A stream whose client has left behind the text `half`. */
async function left(
  at: TestGateway = gateway,
  text = piece('half'),
): Promise<{ client: LeavingClient; stream: OpenStream }> {
  const { secret } = at === gateway ? account : at
  const client = leavingClient({ url: at.url, secret }, body)
  const stream = await streams.next()
  stream.write(text)
  await client.received(text.length)
  await client.leave()
  return { client, stream }
}

/** The request's row, once it has one. */
const settled = (at: TestGateway, { requestId }: LeavingClient): Promise<RequestRow> =>
  until(() => at.requestRow(requestId).catch(() => undefined))

const chargeOf = (used: Usage, { price_id }: RequestRow): NanoUsd =>
  charge(
    used,
    gateway.services.catalog.models
      .flatMap(({ prices }) => prices)
      .find(({ id }) => id === price_id)!,
  )

const counted = (answerBytes: number): Usage =>
  countUsage({ family: 'deepseek', promptBytes: PROMPT_BYTES, answerBytes, limit: 1_000 })

describe('a stream whose provider bills it anyway', () => {
  test('is read to its end for a client that left, which pays exactly what is reported', async () => {
    const { client, stream } = await left()
    stream.write(piece(' more that nobody reads'))
    stream.end(ending(usage))
    const row = await settled(gateway, client)
    expect(row).toMatchObject({
      outcome: 'client_left_drained',
      status: 499,
      usage_source: 'provider',
      answer_bytes: 4n,
      charge: chargeOf(reported, row),
      finish_reason: 'stop',
    })
    expect(client.text).toBe(piece('half'))
  })

  test('keeps its hold and its place among the account’s requests until then', async () => {
    await gateway.database.query('update api_key set concurrent_requests = 1 where id = $1', [
      account.apiKeyId,
    ])
    const { client, stream } = await left()
    expect(await gateway.wallet(account)).toMatchObject({ openHolds: 1 })
    const refused = await chat({ ...gateway, ...account }, saying('hi'))
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    stream.end(ending(usage))
    await settled(gateway, client)
    upstream.behave(json(plainAnswer(usage)))
    expect((await chat({ ...gateway, ...account }, saying('hi'))).status).toBe(200)
  })

  test('is held for further while it is read on, and never stopped for want of money', async () => {
    const { client, stream } = await left()
    stream.write(piece('x'.repeat(5_000)))
    const promptTokens = Buffer.byteLength(JSON.stringify(body)) + 512
    const two = await until(async () => {
      const { held } = await gateway.wallet(account)
      const price = gateway.services.catalog.models.find(({ id }) => id === 'deepseek-chat')!.prices
      return price.some(
        (row) => held === mostExpensive(row, { inputTokens: promptTokens, outputTokens: 8_192 }),
      )
    })
    expect(two).toBe(true)
    await gateway.database.query('update api_key set revoked_at = now() where id = $1', [
      account.apiKeyId,
    ])
    for (let round = 0; round < 5; round += 1) stream.write(piece('x'.repeat(20_000)))
    stream.end(ending({ prompt_tokens: 9, completion_tokens: 26_000 }))
    const row = await settled(gateway, client)
    expect(row).toMatchObject({
      outcome: 'client_left_drained',
      charge: chargeOf({ ...NOTHING, input: 9, output: 26_000 }, row),
      shortfall: 0n,
    })
  })

  test.each<[string, (stream: OpenStream) => unknown, string, object]>([
    ['breaks', ({ out }) => out.destroy(), 'client_left', { usage_flag: null }],
    [
      'sends an error',
      (one) => one.end(event({ error: { message: 'x' } })),
      'client_left',
      { usage_flag: null },
    ],
    [
      'ends without usage',
      (one) => one.end(piece('', 'stop'), event('[DONE]')),
      'client_left_drained',
      { usage_flag: 'usage_missing' },
    ],
  ])(
    'and that %s then is counted as far as it was delivered',
    async (_name, end, outcome, more) => {
      const { client, stream } = await left()
      stream.write(piece('x'.repeat(1_000)))
      end(stream)
      const row = await settled(gateway, client)
      expect(row).toMatchObject({
        outcome,
        usage_source: 'counted',
        answer_bytes: 4n,
        charge: chargeOf(counted(4), row),
        ...more,
      })
    },
  )

  test('is let go of when that takes too long, and counted', async () => {
    const { client, stream } = await left(hasty)
    await until(() => stream.closed)
    const row = await settled(hasty, client)
    expect(row).toMatchObject({ outcome: 'client_left', charge: chargeOf(counted(4), row) })
  })

  test('is one of 32 at most: the next is cancelled and counted', async () => {
    const gone: { client: LeavingClient; stream: OpenStream }[] = []
    for (let at = 0; at < 33; at += 1) gone.push(await left())
    const last = gone.pop()!
    await until(() => last.stream.closed)
    const row = await settled(gateway, last.client)
    expect(row).toMatchObject({ outcome: 'client_left', charge: chargeOf(counted(4), row) })
    expect(gone.filter(({ stream }) => stream.closed)).toEqual([])
    // A place that is free again is another's.
    const first = gone.shift()!
    first.stream.end(ending(usage))
    await settled(gateway, first.client)
    gone.push(await left())
    for (const { stream } of gone) stream.end(ending(usage))
    for (const { client } of gone) {
      expect(await settled(gateway, client)).toMatchObject({ outcome: 'client_left_drained' })
    }
  })
})

describe('a client that leaves behind the finish reason', () => {
  const finished = piece('half') + piece('', 'stop')

  test('pays what the provider then reports', async () => {
    const { client, stream } = await left(gateway, finished)
    stream.end(event({ choices: [], usage }), event('[DONE]'))
    const row = await settled(gateway, client)
    expect(row).toMatchObject({
      outcome: 'client_left_after_finish',
      usage_source: 'provider',
      charge: chargeOf(reported, row),
    })
  })

  test('pays what it received, counted, where nothing is reported in time', async () => {
    const { client, stream } = await left(hasty, finished)
    await until(() => stream.closed)
    const row = await settled(hasty, client)
    expect(row).toMatchObject({
      outcome: 'client_left_after_finish',
      usage_source: 'counted',
      usage_flag: 'usage_missing',
      charge: chargeOf(counted(4), row),
    })
  })
})

describe('a plain answer whose provider bills it anyway', () => {
  const plain = saying('hi')

  /** A plain request whose client has left while the upstream works. */
  async function leftPlain(
    at: TestGateway,
  ): Promise<{ stream: OpenStream; row: Promise<RequestRow> }> {
    const name = `plain-${crypto.randomUUID()}`
    const client = leavingClient({ ...at, ...(at === gateway && account) }, plain, name)
    const stream = await streams.next()
    await client.leave()
    return {
      stream,
      row: until(async () => {
        const { rows } = await at.database.query<RequestRow>(
          'select * from request where user_agent = $1',
          [name],
        )
        return rows[0]
      }),
    }
  }

  test('is read to its end for a client that left, and charged exactly', async () => {
    const { stream, row } = await leftPlain(gateway)
    stream.end(JSON.stringify(plainAnswer(usage)))
    expect(await row).toMatchObject({
      outcome: 'client_left_drained',
      status: 499,
      usage_source: 'provider',
      answer_bytes: 0n,
      charge: chargeOf(reported, await row),
    })
  })

  test('that breaks off is free', async () => {
    const { stream, row } = await leftPlain(gateway)
    stream.out.destroy()
    expect(await row).toMatchObject({ outcome: 'upstream_error', charge: 0n, attempts: 1 })
  })

  test('that takes too long costs its prompt', async () => {
    const { stream, row } = await leftPlain(hasty)
    await until(() => stream.closed)
    expect(await row).toMatchObject({
      outcome: 'client_left_before_output',
      charge: chargeOf(counted(0), await row),
    })
  })
})
