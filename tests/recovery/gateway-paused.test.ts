import { formatUsd, nanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { ending, piece, plainAnswer } from '../support/answers.ts'
import { chat, dataIn, receiptIn, saying } from '../support/chat.ts'
import { LEASE_MS, startFleet, type Fleet } from '../support/fleet.ts'
import { read } from '../support/reading.ts'
import { until } from '../support/until.ts'
import { json } from '../support/upstream.ts'

let fleet: Fleet

beforeAll(async () => void (fleet = await startFleet(2)))
afterEach(async () => expect(await fleet.breaks()).toEqual([]))
afterAll(() => fleet.stop())

const usage = { prompt_tokens: 20, completion_tokens: 10 }

test('a gateway that slept past its lease settles what it had begun, once, and its receipts are what was charged', async () => {
  const [sleeper] = fleet.gateways
  const account = await fleet.newAccount()
  const finish = Promise.withResolvers<void>()
  fleet.upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('good'))
    await finish.promise
    out.end(piece(' morning') + ending(usage))
  })
  const answer = await chat({ ...sleeper!, ...account }, saying('hi', { stream: true }))
  const reading = read(answer)
  await reading.until('good')
  const requestId = answer.headers.get('x-request-id')!
  sleeper!.pause()
  finish.resolve()
  expect(await fleet.settled(requestId)).toMatchObject({
    outcome: 'gateway_lost',
    provisional: true,
  })
  sleeper!.resume()
  const { text, cut } = await reading.ended
  expect(cut).toBe(false)
  expect(dataIn(text).at(-1)).toBe('[DONE]')
  const row = await fleet.settled(requestId)
  expect(row).toMatchObject({ outcome: 'completed', provisional: false, usage_source: 'provider' })
  expect(row.charge).toBeGreaterThan(0n)
  expect(receiptIn(text)).toMatchObject({
    request_id: requestId,
    charge_usd: formatUsd(nanoUsd(row.charge)),
  })
})

test('a long answer whose hold was given up ends where more would have to be held, and is charged what was read', async () => {
  const [sleeper] = fleet.gateways
  const account = await fleet.newAccount()
  const goOn = Promise.withResolvers<void>()
  fleet.upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('good'))
    await goOn.promise
    // No end, and no usage: it would talk on.
    out.write(piece(' morning'.repeat(5_000)))
  })
  const body = saying('hi', { stream: true, max_tokens: 50_000 })
  const answer = await chat({ ...sleeper!, ...account }, body)
  const reading = read(answer)
  await reading.until('good')
  const requestId = answer.headers.get('x-request-id')!
  sleeper!.pause()
  await fleet.settled(requestId)
  sleeper!.resume()
  goOn.resolve()
  const { text, cut } = await reading.ended
  expect(cut).toBe(false)
  const row = await until(async () => {
    const settled = await fleet.settled(requestId)
    return settled['provisional'] === false && settled
  })
  expect(row).toMatchObject({ usage_source: 'counted' })
  expect(row.charge).toBeGreaterThan(0n)
  expect([undefined, formatUsd(nanoUsd(row.charge))]).toContain(receiptIn(text)?.['charge_usd'])
})

test('what came to it while it slept is served under a new lease', async () => {
  const [sleeper] = fleet.gateways
  const account = await fleet.newAccount()
  fleet.upstream.behave(json(plainAnswer(usage)))
  const before = await chat({ ...sleeper!, ...account }, saying('hi'))
  const { epoch } = await fleet.settled(before.headers.get('x-request-id')!)
  sleeper!.pause()
  const asked = chat({ ...sleeper!, ...account }, saying('hi'))
  await until(async () => {
    const { rows } = await fleet.database.query(
      'select from lease where epoch = $1 and swept_at is not null',
      [epoch],
    )
    return rows.length > 0
  })
  sleeper!.resume()
  const answer = await asked
  expect(answer.status).toBe(200)
  const row = await fleet.settled(answer.headers.get('x-request-id')!)
  expect(row).toMatchObject({ outcome: 'completed', provisional: false })
  expect(row['epoch']).not.toBe(epoch)
})

test('gateways that all slept past their leases give none of them up when they wake', async () => {
  const account = await fleet.newAccount()
  const before = await sweptLeases()
  const finish = Promise.withResolvers<void>()
  fleet.upstream.behave(async (out, call) => {
    await finish.promise
    json(plainAnswer(usage))(out, call)
  })
  const asked = fleet.gateways.map((gateway) => chat({ ...gateway, ...account }, saying('hi')))
  await until(() => fleet.upstream.calls.length === 2)
  fleet.gateways.forEach((gateway) => gateway.pause())
  finish.resolve()
  await until(async () => {
    const { rows } = await fleet.database.query(
      'select from lease where heartbeat_at > ledger_clock() - $1::interval',
      [`${2 * LEASE_MS} milliseconds`],
    )
    return rows.length === 0
  })
  fleet.gateways.forEach((gateway) => gateway.resume())
  for (const answer of await Promise.all(asked)) {
    expect(answer.status).toBe(200)
    const row = await fleet.settled(answer.headers.get('x-request-id')!)
    expect(row).toMatchObject({ outcome: 'completed', provisional: false })
    expect(answer.headers.get('x-smartoken-cost')).toBe(formatUsd(nanoUsd(row.charge)))
  }
  expect(await sweptLeases()).toBe(before)
})

async function sweptLeases(): Promise<bigint> {
  const { rows } = await fleet.database.query<{ count: bigint }>(
    'select count(*) from lease where swept_at is not null',
  )
  return rows[0]!.count
}
