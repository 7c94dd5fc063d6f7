import { countUsage } from '@smartoken/prisma/bill'
import { charge, type Usage } from '@smartoken/prisma/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { startGateway, type RequestRow, type TestGateway } from '../support/gateway.ts'
import { streaming } from '../support/streams.ts'
import { until } from '../support/until.ts'
import { event, startUpstream, type TestUpstream, type UpstreamCall } from '../support/upstream.ts'
import { clients, connectionTo } from './clients.ts'

/** Stops billing a stream that is cancelled; bills on. By what is known of DeepSeek and Alibaba. */
const STOPS = 'deepseek-chat'
const CONTINUES = 'qwen-plus'

const TEXT = '杭州今天有小雨。'.repeat(50)
const PROMPT_BYTES = Buffer.byteLength('roleusercontenthi')
const usage = { prompt_tokens: 9, completion_tokens: 700 }
const reported: Usage = { input: 9, cachedInput: 0, cacheWrite: 0, output: 700, thinkingOutput: 0 }
const role = event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] })

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
  await upstream.close()
})

/** Resolves when the gateway, in this process, has been told that a client has gone: that is at its door before these. */
async function told(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await (await fetch(`${gateway.url}/healthz`)).text()
}

/** How the account's one request ended and what is left in its wallet, as soon as it is settled. */
async function endingOf(account: TestAccount) {
  const row = await until(async () => {
    const { rows } = await gateway.database.query<RequestRow>(
      'select * from request where account_id = $1',
      [account.accountId],
    )
    return rows[0]
  })
  const wallet = await gateway.wallet(account)
  return { outcome: row.outcome, status: row['status'], priceId: row.price_id, wallet }
}

/** The ending of an abandoned request that is charged for this usage by that price. */
function charged(outcome: string, used: Usage, priceId: string): object {
  const prices = gateway.services.catalog.models.flatMap((model) => model.prices)
  const due = charge(
    used,
    prices.find(({ id }) => id === priceId)!,
  )
  const wallet = { posted: 10_000_000_000n - due, held: 0n, openHolds: 0 }
  return { outcome, status: 499, priceId, wallet }
}

describe.each(clients)('%s gives up', (_name, connect) => {
  /** A stream whose client has gone after its first words. */
  async function abandonedStream(model: string) {
    const account = await gateway.newAccount()
    const streams = streaming(upstream)
    const leave = new AbortController()
    const heard: string[] = []
    const asked = connect(connectionTo(gateway, account)).stream(
      { model, text: 'hi' },
      { signal: leave.signal, onText: (text) => heard.push(text) },
    )
    const over = asked.catch(() => {})
    const stream = await streams.next()
    stream.write(role, piece(TEXT))
    await until(() => heard.length > 0)
    leave.abort()
    await over
    await told()
    return { account, stream }
  }

  test('a stream: the upstream is let go of, and what was delivered is charged', async () => {
    const { account, stream } = await abandonedStream(STOPS)
    await stream.call.closed
    const delivered = { promptBytes: PROMPT_BYTES, answerBytes: Buffer.byteLength(TEXT) }
    const counted = countUsage({ ...delivered, family: 'deepseek', limit: 384_000 })
    const ended = await endingOf(account)
    expect(ended).toEqual(charged('client_left', counted, ended.priceId))
  })

  test('a stream that its provider bills on: it is read to its end and charged exactly', async () => {
    const { account, stream } = await abandonedStream(CONTINUES)
    stream.end(piece('never heard'), ending(usage))
    const ended = await endingOf(account)
    expect(ended).toEqual(charged('client_left_drained', reported, ended.priceId))
  })

  test('a stream before its first output: the prompt is charged', async () => {
    const account = await gateway.newAccount()
    const streams = streaming(upstream)
    const leave = new AbortController()
    const asked = connect(connectionTo(gateway, account)).stream(
      { model: CONTINUES, text: 'hi' },
      { signal: leave.signal },
    )
    const over = asked.catch(() => {})
    const stream = await streams.next()
    leave.abort()
    await over
    await stream.call.closed
    const delivered = { promptBytes: PROMPT_BYTES, answerBytes: 0 }
    const counted = countUsage({ ...delivered, family: 'qwen', limit: 8_192 })
    const ended = await endingOf(account)
    expect(ended).toEqual(charged('client_left_before_output', counted, ended.priceId))
  })

  test('a plain answer: it is read to its end and charged exactly', async () => {
    const account = await gateway.newAccount()
    const called = Promise.withResolvers<() => void>()
    upstream.behave((out, _call: UpstreamCall) =>
      called.resolve(() =>
        out
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify(plainAnswer(usage))),
      ),
    )
    const leave = new AbortController()
    const asked = connect(connectionTo(gateway, account)).ask(
      { model: STOPS, text: 'hi' },
      leave.signal,
    )
    const failure = asked.then(() => 'an answer', String)
    const answer = await called.promise
    leave.abort()
    expect(await failure).toMatch(/abort/i)
    await told()
    answer()
    const ended = await endingOf(account)
    expect(ended).toEqual(charged('client_left_drained', reported, ended.priceId))
  })
})
