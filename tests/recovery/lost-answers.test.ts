import { formatUsd, nanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { chat, dataIn, receiptIn, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let wire: TcpProxy
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({
    upstreamUrl: upstream.url,
    reachDatabase: async (url) => (wire = await startTcpProxy(url)).url,
  })
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await wire.close()
  await upstream.close()
})

const usage = { prompt_tokens: 20, completion_tokens: 10 }

/** The one request of an account, as the database has it, whoever knows of it. */
async function onlyRow(accountId: string) {
  return until(async () => {
    const { rows } = await gateway.database.query<{ id: string; charge: bigint; status: number }>(
      'select id, charge, status from request where account_id = $1',
      [accountId],
    )
    return rows[0]
  })
}

test.each([
  ['plain', json(plainAnswer(usage))],
  [
    'streamed',
    (out: Parameters<ReturnType<typeof json>>[0]) =>
      out.writeHead(200, { 'content-type': 'text/event-stream' }).end(piece('a') + ending(usage)),
  ],
] as const)('a charge whose answer is lost is made once (%s)', async (kind, behaviour) => {
  const account = await gateway.newAccount()
  const asked = { ...gateway, ...account }
  upstream.behave((out, call) => {
    wire.swallow() // the hold is open; of the settle no word will come back
    behaviour(out, call)
  })
  const answered = chat(asked, saying('hi', { stream: kind === 'streamed' }))
  const { id, charge } = await onlyRow(account.accountId)
  wire.pass()
  const answer = await answered
  const text = await answer.text()
  expect(answer.status).toBe(200)
  expect(dataIn(text).slice(-1)).toEqual(kind === 'streamed' ? ['[DONE]'] : [])
  await gateway.quiet() // the settle has been said again, and answered
  const cost = receiptIn(text)?.['charge_usd'] ?? answer.headers.get('x-smartoken-cost')
  expect(cost ?? formatUsd(nanoUsd(charge))).toBe(formatUsd(nanoUsd(charge)))
  expect(await gateway.wallet(account)).toMatchObject({
    posted: 10_000_000_000n - charge,
    held: 0n,
  })
  const { rows } = await gateway.database.query<{ amount: bigint }>(
    `select amount from transfer where split_part(ref, ':', 1) = $1`,
    [id],
  )
  expect(rows).toEqual([{ amount: charge }])
})

test('a hold whose answer is lost is given back: its client was refused', async () => {
  const account = await gateway.newAccount()
  const asked = { ...gateway, ...account }
  await chat(asked, saying('x', { max_tokens: -1 })) // the key is known from here on
  upstream.behave(json(plainAnswer(usage)))
  wire.swallow()
  const refused = chat(asked, saying('hi'))
  await until(async () => (await gateway.wallet(account)).held > 0n)
  const answer = await refused
  expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'billing_unavailable' })
  wire.pass()
  const row = await onlyRow(account.accountId)
  expect(row).toEqual({ id: answer.headers.get('x-request-id'), charge: 0n, status: 503 })
  expect(await gateway.wallet(account)).toMatchObject({ posted: 10_000_000_000n, held: 0n })
  expect(upstream.calls).toEqual([])
})

test('what can be asked of the database again is asked again: nothing of a busy moment is lost', async () => {
  const account = await gateway.newAccount()
  let calls = 0
  upstream.behave((out, call) => {
    if ((calls += 1) === 10) wire.swallow()
    json(plainAnswer(usage))(out, call)
  })
  const answers = Promise.all(
    Array.from({ length: 40 }, () => chat({ ...gateway, ...account }, saying('hi'))),
  )
  await until(() => calls >= 10)
  await new Promise((resolve) => setTimeout(resolve, 1_500)) // past the deadline of a batch
  wire.pass()
  for (const answer of await answers) {
    await answer.text()
    expect([200, 503]).toContain(answer.status)
  }
  await gateway.quiet()
  await until(async () => (await gateway.wallet(account)).openHolds === 0)
  const { rows } = await gateway.database.query<{ status: number; charge: bigint }>(
    'select status, charge from request where account_id = $1',
    [account.accountId],
  )
  const served = rows.filter(({ status }) => status === 200)
  expect(served).toHaveLength(upstream.calls.length)
  const charged = rows.filter(({ charge }) => charge > 0n)
  expect(charged).toEqual(served)
})
