import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { plainAnswer } from '../support/answers.ts'
import { chat, saying } from '../support/chat.ts'
import { startFleet, type Fleet } from '../support/fleet.ts'
import { until } from '../support/until.ts'
import { json } from '../support/upstream.ts'

let fleet: Fleet

beforeAll(async () => void (fleet = await startFleet(3)))
afterEach(async () => expect(await fleet.breaks()).toEqual([]))
afterAll(() => fleet.stop())

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
