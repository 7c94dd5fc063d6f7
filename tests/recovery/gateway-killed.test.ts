import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { piece, plainAnswer } from '../support/answers.ts'
import { chat, saying } from '../support/chat.ts'
import { startFleet, type Fleet } from '../support/fleet.ts'
import { read } from '../support/reading.ts'
import { until } from '../support/until.ts'
import { json } from '../support/upstream.ts'

let fleet: Fleet

beforeAll(async () => void (fleet = await startFleet(3)))
afterEach(async () => expect(await fleet.breaks()).toEqual([]))
afterAll(() => fleet.stop())

/** What would be charged if a request's process were never heard of again. */
async function progressOf(requestId: string): Promise<bigint | undefined> {
  const { rows } = await fleet.database.query<{ due: bigint | null }>(
    `select (progress ->> 'due')::bigint as due from hold where request_id = $1`,
    [requestId],
  )
  return rows[0]?.due ?? undefined
}

test('a stream whose gateway is killed is charged what was last reported of it, for the time being', async () => {
  const [gateway] = fleet.gateways
  const account = await fleet.newAccount()
  fleet.upstream.behave((out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).write(piece('x'.repeat(20_000)))
  })
  const body = saying('hi', { stream: true, max_tokens: 20_000 })
  const answer = await chat({ ...gateway!, ...account }, body)
  const reading = read(answer)
  const requestId = answer.headers.get('x-request-id')!
  const progress = await until(() => progressOf(requestId))
  await gateway!.kill()
  expect(await reading.ended).toMatchObject({ cut: true })
  expect(reading.text).toContain('xxx')
  expect(await fleet.settled(requestId)).toMatchObject({
    outcome: 'gateway_lost',
    provisional: true,
    usage_source: 'counted',
    charge: progress,
  })
  expect(progress).toBeGreaterThan(0n)
})

test('a plain request whose gateway is killed costs nothing, and what others began goes on', async () => {
  const [, gateway, other] = fleet.gateways
  const account = await fleet.newAccount()
  const answered = Promise.withResolvers<void>()
  fleet.upstream.behave(async (out, call) => {
    await answered.promise
    json(plainAnswer({ prompt_tokens: 5, completion_tokens: 1 }))(out, call)
  })
  const lost = chat({ ...gateway!, ...account }, saying('lost')).catch((error: Error) => error)
  const kept = chat({ ...other!, ...account }, saying('kept'))
  await until(() => fleet.upstream.calls.length === 2)
  const { rows } = await fleet.database.query<{ id: string }>(
    `select request_id as id from hold where epoch =
       (select epoch from lease where process like '%:' || $1)`,
    [gateway!.pid],
  )
  await gateway!.kill()
  expect(await lost).toBeInstanceOf(TypeError)
  expect(await fleet.settled(rows[0]!.id)).toMatchObject({
    outcome: 'gateway_lost',
    provisional: true,
    usage_source: 'none',
    charge: 0n,
  })
  answered.resolve()
  const answer = await kept
  expect(answer.status).toBe(200)
  expect(await fleet.settled(answer.headers.get('x-request-id')!)).toMatchObject({
    outcome: 'completed',
    provisional: false,
  })
})
