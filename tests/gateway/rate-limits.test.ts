import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { chat, saying } from '../support/chat.ts'
import { setClock } from '../support/clock.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { event, events, json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway
let account: TestAccount

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
  // No time goes by but what we say.
  await setClock(gateway.database, new Date())
})
beforeEach(async () => {
  upstream.behave((out, call) => (call.body['stream'] ? streamed : plain)(out, call))
  account = await gateway.newAccount()
})
afterAll(async () => {
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
  await upstream.close()
})

const usage = { prompt_tokens: 5, completion_tokens: 1 }
const plain = json({
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage,
})
const streamed = events(
  event({ choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }] }),
  event({ choices: [], usage }),
  event('[DONE]'),
)

const limit = (set: string, table: 'api_key' | 'account' = 'api_key') =>
  gateway.database.query(`update ${table} set ${set} where id = $1`, [
    table === 'account' ? account.accountId : account.apiKeyId,
  ])

const send = (over: object | string = {}) =>
  chat({ ...gateway, ...account }, typeof over === 'string' ? over : saying('hi', over))

/** Limit, remaining and reset of what is told. */
const told = ({ headers }: Response, of: 'requests' | 'tokens') =>
  ['limit', 'remaining', 'reset'].map((what) => headers.get(`x-ratelimit-${what}-${of}`))

const untold = [null, null, null]

describe('what is left of a limit is told', () => {
  test.each([
    ['plain', {}],
    ['streamed', { stream: true }],
  ])('with every %s answer, and with the refusal', async (_kind, over) => {
    await limit('requests_per_minute = 2')
    const answers = []
    for (let at = 0; at < 3; at += 1) {
      const answer = await send(over)
      await answer.text()
      answers.push([answer.status, ...told(answer, 'requests')])
      expect(told(answer, 'tokens')).toEqual(untold)
    }
    expect(answers).toEqual([
      [200, '2', '1', '30s'],
      [200, '2', '0', '1m0s'],
      [429, '2', '0', expect.stringMatching(/^(1m0|[0-9.]+)s$/)],
    ])
  })

  test('with whole seconds to wait on a refusal, and no less than it takes', async () => {
    await limit('requests_per_minute = 8')
    for (let at = 0; at < 8; at += 1) await (await send()).text()
    const refused = await send()
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(refused.headers.get('retry-after')).toBe('8') // 7.5 s
  })

  test('by the account’s limit where that is tighter than the key’s', async () => {
    await limit('tokens_per_minute = 1000000')
    await limit('tokens_per_minute = 20000', 'account')
    const answer = await send({ max_tokens: 1_000 })
    const [of, left] = told(answer, 'tokens')
    expect(of).toBe('20000')
    expect(Number(left)).toBeLessThan(19_000)
    expect(told(answer, 'requests')).toEqual(untold)
    await answer.text()
  })

  test.each<[string, number, () => Promise<Response>]>([
    ['a body that is no JSON', 400, () => send('{')],
    ['an unknown model', 404, () => send({ model: 'no-such-model' })],
    ['a body without messages', 400, () => send({ messages: [] })],
    ['a key for retries that is none', 400, () => sendKeyed('é'.repeat(3))],
    ['an empty wallet', 402, () => empty().then(() => send())],
    [
      'an upstream that is down',
      503,
      () => {
        upstream.behave((out) => out.writeHead(503).end())
        return send()
      },
    ],
  ])('with %s, too, the first time a key is seen', async (_what, status, ask) => {
    await limit('requests_per_minute = 60, tokens_per_minute = 600000')
    const answer = await ask()
    expect(answer.status).toBe(status)
    expect(told(answer, 'requests')[0]).toBe('60')
    expect(told(answer, 'tokens')[0]).toBe('600000')
    await answer.text()
  })

  test('nobody without a key', async () => {
    await limit('requests_per_minute = 60')
    const answer = await chat({ ...gateway, secret: 'sk-st-nobody' }, saying('hi'))
    expect([answer.status, told(answer, 'requests')]).toEqual([401, untold])
    await answer.text()
  })

  test('nowhere where nothing is limited', async () => {
    const answer = await send()
    expect([answer.status, told(answer, 'requests'), told(answer, 'tokens')]).toEqual([
      200,
      untold,
      untold,
    ])
    await answer.text()
  })
})

const sendKeyed = (key: string) =>
  chat({ ...gateway, ...account }, saying('hi'), {
    headers: {
      authorization: `Bearer ${account.secret}`,
      'idempotency-key': Buffer.from(key).toString('latin1'),
    },
  })

const empty = async () => {
  account = await gateway.newAccount({ balance: '0' })
  await limit('requests_per_minute = 60, tokens_per_minute = 600000')
}
