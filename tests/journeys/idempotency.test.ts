import { loadCatalog } from '@smartoken/prisma/catalog'
import { loadPrices, reconcile } from '@smartoken/prisma/ledger'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createAccount } from '../support/accounts.ts'
import { chat, saying } from '../support/chat.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

const GATEWAYS = 3
const ROUNDS = 20
/** Requests of one key at the same moment. */
const AT_ONCE = 6

let database: TestDatabase
let upstream: TestUpstream
let gateways: GatewayProcess[]

beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query('select ensure_partitions()')
  await loadPrices(database.pool, loadCatalog())
  upstream = await startUpstream()
  const options = { databaseUrl: database.url, upstreamUrl: upstream.url }
  gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => startGatewayProcess(options)))
})
afterEach(async () => expect(await reconcile(database.pool)).toEqual([]))
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await upstream.close()
  await database.drop()
})

test('one key at the same moment over three gateways is done once, and billed once', async () => {
  upstream.behave(
    json({
      choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 1 },
    }),
  )
  const account = await createAccount(database.pool, { balance: '100' })
  const { secret } = account
  for (let round = 0; round < ROUNDS; round += 1) {
    const headers = { authorization: `Bearer ${secret}`, 'idempotency-key': `round-${round}` }
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, at) => {
        const { url } = gateways[at % GATEWAYS]!
        const answer = await chat({ url, secret }, saying('hi'), { headers })
        return { answer, body: (await answer.json()) as { error?: { first_request_id: string } } }
      }),
    )
    const [served, refused] = [200, 409].map((status) =>
      answers.filter(({ answer }) => answer.status === status),
    )
    expect([served!.length, refused!.length]).toEqual([1, AT_ONCE - 1])
    const first = served![0]!.answer.headers.get('x-request-id')
    for (const { body } of refused!) expect(body.error!.first_request_id).toBe(first)
  }
  expect(upstream.calls).toHaveLength(ROUNDS)
  const { rows } = await database.pool.query<{ charged: bigint }>(
    'select count(*) as charged from request where account_id = $1 and charge > 0',
    [account.accountId],
  )
  expect(rows).toEqual([{ charged: BigInt(ROUNDS) }])
})
