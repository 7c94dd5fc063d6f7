import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainAnswer } from '../support/answers.ts'
import { walletOf } from '../support/books.ts'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  upstream.behave(json(plainAnswer({ prompt_tokens: 5, completion_tokens: 1 })))
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

test('a wallet that a session keeps locked stops its own account alone, holds nothing, and works when it is free', async () => {
  const stuck = await gateway.newAccount()
  const others = await Promise.all(Array.from({ length: 5 }, () => gateway.newAccount()))
  const ask = (account: { secret: string }) => chat({ ...gateway, ...account }, saying('hi'))
  const lock = await gateway.database.connect()
  try {
    await lock.query('begin')
    await lock.query('set local idle_in_transaction_session_timeout = 0')
    await lock.query('select from wallet where account_id = $1 for update', [stuck.accountId])
    const waiting = Promise.all(Array.from({ length: 30 }, () => ask(stuck)))
    for (const account of [...others, ...others, ...others]) {
      expect((await ask(account)).status).toBe(200)
    }
    for (const answer of await waiting) {
      expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'billing_unavailable' })
    }
    expect(upstream.calls).toHaveLength(15)
    expect(await walletOf(gateway.database, stuck)).toMatchObject({ held: 0n })
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  expect((await ask(stuck)).status).toBe(200)
  // What was still being opened for those who were refused is opened now, and given back at once.
  await until(async () => (await gateway.wallet(stuck)).openHolds === 0)
  expect(upstream.calls).toHaveLength(16)
  expect(await gateway.breaks()).toEqual([])
})
