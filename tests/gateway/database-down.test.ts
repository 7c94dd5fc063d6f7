import { createPool } from '@smartoken/prisma/database'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { chat, dataIn, receiptIn, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'
import { event, json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway
let admin: ReturnType<typeof createPool>
let name: string

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
  const { rows } = await gateway.database.query<{ name: string }>(
    'select current_database() as name',
  )
  name = rows[0]!.name
  admin = createPool(inject('postgres').url, {
    max: 1,
    applicationName: 'test admin',
    statementTimeoutMs: 30_000,
  })
})
afterAll(async () => {
  await admin.end()
  await gateway.close()
  await upstream.close()
})

/** Cuts the gateway off its database: open connections are ended and new ones refused. */
async function takeDown(): Promise<void> {
  await admin.query(`alter database ${name} allow_connections false`)
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
    name,
  ])
}

const bringBack = () => admin.query(`alter database ${name} allow_connections true`)

const answer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
}

describe('while the database is away', () => {
  test('no request is admitted, for a key that is known or not, and none goes upstream', async () => {
    upstream.behave(json(answer))
    const known = await gateway.newAccount()
    const unknown = await gateway.newAccount()
    await (await chat({ ...gateway, ...known }, saying('hi'))).text()
    await gateway.quiet()
    upstream.behave(json(answer))
    await takeDown()
    try {
      for (const account of [known, unknown]) {
        const refused = await chat({ ...gateway, ...account }, saying('hi'))
        const error = await errorOf(refused)
        expect(error).toMatchObject({ status: 503, code: 'billing_unavailable' })
        expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
        expect(JSON.stringify(error)).not.toMatch(/database "|accepting|postgres|127\.0\.0\.1/)
      }
      expect(upstream.calls).toEqual([])
      expect((await fetch(`${gateway.url}/v1/models`)).status).toBe(200)
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    } finally {
      await bringBack()
    }
    expect((await chat({ ...gateway, ...known }, saying('hi'))).status).toBe(200)
    expect(await gateway.breaks()).toEqual([])
  })

  test('an admitted answer comes without a receipt and is charged once when it is back', async () => {
    const account = await gateway.newAccount()
    upstream.behave(async (out, call) => {
      await takeDown()
      json(answer)(out, call)
    })
    const got = await chat({ ...gateway, ...account }, saying('hi'))
    await bringBack()
    expect(got.status).toBe(200)
    expect(got.headers.get('x-smartoken-cost')).toBeNull()
    expect(await got.json()).toEqual(answer)
    await gateway.quiet()
    const row = await gateway.requestRow(got.headers.get('x-request-id')!)
    expect(row).toMatchObject({ usage_source: 'provider', outcome: 'completed' })
    expect(row.charge).toBeGreaterThan(0n)
    expect(await gateway.breaks()).toEqual([])
  })

  test('an admitted stream ends with [DONE] without a receipt and is charged once when it is back', async () => {
    const account = await gateway.newAccount()
    upstream.behave(async (out) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' })
      out.write(event({ choices: [{ index: 0, delta: { content: 'a' }, finish_reason: null }] }))
      await takeDown()
      out.end(
        event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
          event({ choices: [], usage: answer.usage }) +
          event('[DONE]'),
      )
    })
    const got = await chat({ ...gateway, ...account }, saying('hi', { stream: true }))
    const body = await got.text()
    await bringBack()
    expect(dataIn(body).at(-1)).toBe('[DONE]')
    expect(receiptIn(body)).toBeUndefined()
    await gateway.quiet()
    expect((await gateway.requestRow(got.headers.get('x-request-id')!)).charge).toBeGreaterThan(0n)
    expect(await gateway.breaks()).toEqual([])
  })
})

test('a wallet locked by another for too long is billing that is unavailable, and holds nothing', async () => {
  const account = await gateway.newAccount()
  upstream.behave(json(answer))
  const lock = await gateway.database.connect()
  let refused: Response
  try {
    await lock.query('begin')
    await lock.query('set local idle_in_transaction_session_timeout = 0')
    await lock.query('select from wallet where account_id = $1 for update', [account.accountId])
    refused = await chat({ ...gateway, ...account }, saying('hi'))
    expect(await errorOf(refused)).toMatchObject({
      status: 503,
      code: 'billing_unavailable',
    })
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  expect(upstream.calls).toEqual([])
  // Admitted once the lock is gone, and given back at once.
  const id = refused.headers.get('x-request-id')!
  await until(() => !gateway.services.ledger.isLive(id))
  expect(await gateway.breaks()).toEqual([])
})
