import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { formatUsd, nanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { chat, receiptIn, saying } from '../support/chat.ts'
import { LEASE_MS, startFleet, type Fleet } from '../support/fleet.ts'
import { read } from '../support/reading.ts'
import {
  startRestartablePostgres,
  type RestartablePostgres,
} from '../support/restartable-postgres.ts'
import { until } from '../support/until.ts'
import { json, type UpstreamCall } from '../support/upstream.ts'

let folder: string
let postgres: RestartablePostgres
let fleet: Fleet

beforeAll(async () => {
  folder = mkdtempSync(join(inject('postgres').folder, 'restarts-'))
  postgres = await startRestartablePostgres(folder)
  fleet = await startFleet(3, postgres.url)
})
afterEach(async () => expect(await fleet.breaks()).toEqual([]))
afterAll(async () => {
  await fleet.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

const usage = { prompt_tokens: 20, completion_tokens: 10 }

const answerAsAsked = (out: Parameters<ReturnType<typeof json>>[0], call: UpstreamCall): void => {
  if (call.body['stream'] !== true) return void json(plainAnswer(usage))(out, call)
  out.writeHead(200, { 'content-type': 'text/event-stream' }).end(piece('a') + ending(usage))
}

/** Sends one request after the other until told to stop; returns those that were answered, and what each was said to cost. */
async function keepAsking(account: TestAccount, stop: AbortSignal, at: number) {
  const answered: { requestId: string; cost: string | undefined }[] = []
  const gateway = fleet.gateways[at % fleet.gateways.length]!
  while (!stop.aborted) {
    const answer = await chat({ ...gateway, ...account }, saying('hi', { stream: at % 2 === 0 }))
    const text = await answer.text()
    expect([200, 503]).toContain(answer.status)
    if (answer.status === 503) {
      await wait(20)
      continue
    }
    const cost = receiptIn(text)?.['charge_usd'] ?? answer.headers.get('x-smartoken-cost')
    answered.push({
      requestId: answer.headers.get('x-request-id')!,
      cost: (cost ?? undefined) as string | undefined,
    })
  }
  return answered
}

test('an immediate restart under load loses no charge and makes none twice', async () => {
  fleet.upstream.behave(answerAsAsked)
  const account = await fleet.newAccount()
  const stop = new AbortController()
  const asking = Array.from({ length: 12 }, (_, at) => keepAsking(account, stop.signal, at))
  const calls = () => fleet.upstream.calls.length
  await until(() => calls() > 50)
  for (let restart = 0; restart < 2; restart += 1) {
    await postgres.crash()
    await postgres.recover()
    const before = calls()
    await until(() => calls() > before + 50)
  }
  stop.abort()
  const answered = (await Promise.all(asking)).flat()
  expect(answered.filter(({ cost }) => cost).length).toBeGreaterThan(50)
  let charged = 0n
  for (const { requestId, cost } of answered) {
    const row = await fleet.settled(requestId)
    expect(row).toMatchObject({
      outcome: 'completed',
      usage_source: 'provider',
      provisional: false,
    })
    expect([undefined, formatUsd(nanoUsd(row.charge))]).toContain(cost)
    charged += row.charge
  }
  // Beside those that were answered, nothing was charged.
  expect(await fleet.breaks()).toEqual([])
  const { rows } = await fleet.database.query<{ charged: bigint }>(
    'select sum(charge)::bigint as charged from request where account_id = $1',
    [account.accountId],
  )
  expect(rows[0]!.charged).toBe(charged)
})

test('an outage longer than a lease costs no living gateway what it has begun', async () => {
  const account = await fleet.newAccount()
  const finish = Promise.withResolvers<void>()
  fleet.upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('a'))
    await finish.promise
    out.end(ending(usage))
  })
  const readings = await Promise.all(
    fleet.gateways.map(async (gateway) => {
      const answer = await chat({ ...gateway, ...account }, saying('hi', { stream: true }))
      return { requestId: answer.headers.get('x-request-id')!, reading: read(answer) }
    }),
  )
  for (const { reading } of readings) await reading.until('"a"')
  await postgres.crash()
  await wait(LEASE_MS + 500)
  await postgres.recover()
  // A lease later every gateway has had its chance to give the others up.
  const since = new Date()
  await until(async () => {
    const { rows } = await fleet.database.query('select from lease where heartbeat_at > $1', [
      new Date(since.getTime() + LEASE_MS),
    ])
    return rows.length >= fleet.gateways.length
  })
  const { rows: swept } = await fleet.database.query('select from lease where swept_at is not null')
  expect(swept).toEqual([])
  finish.resolve()
  for (const { requestId, reading } of readings) {
    const { text } = await reading.ended
    const row = await fleet.settled(requestId)
    expect(row).toMatchObject({ outcome: 'completed', provisional: false })
    expect(receiptIn(text)).toMatchObject({ charge_usd: formatUsd(nanoUsd(row.charge)) })
  }
})
