import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat, saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

test('what is refused to a known key leaves a trace, and what was admitted leaves its row only', async () => {
  const account = await gateway.newAccount({ balance: '0' })
  const send = (body: object | string, secret = account.secret) =>
    chat({ ...gateway, secret }, body)
  const refused = [
    await send('{'),
    await send(saying('hi', { model: 'kimi-k9' })),
    await send(saying('hi')),
    await send(saying('hi')),
  ]
  await send(saying('hi'), 'sk-st-nobody')
  upstream.behave((out) => out.writeHead(500).end())
  const admitted = await chat(gateway, saying('hi'))
  await gateway.quiet()
  await gateway.services.refusals.store(gateway.database, gateway.services.clock.now())

  const { rows: counted } = await gateway.database.query(
    'select api_key_id, code, sum(count) as count from refusal_count group by 1, 2 order by 2',
  )
  expect(counted).toEqual([
    { api_key_id: account.apiKeyId, code: 'insufficient_balance', count: 2n },
    { api_key_id: account.apiKeyId, code: 'invalid_json', count: 1n },
    { api_key_id: account.apiKeyId, code: 'model_not_found', count: 1n },
  ])
  const { rows: whole } = await gateway.database.query(
    'select id, account_id, code, status, model_asked from refused_request order by id',
  )
  const of = { account_id: account.accountId }
  expect(whole).toEqual(
    [
      { ...of, code: 'invalid_json', status: 400, model_asked: null },
      { ...of, code: 'model_not_found', status: 404, model_asked: 'kimi-k9' },
      { ...of, code: 'insufficient_balance', status: 402, model_asked: 'deepseek-chat' },
      { ...of, code: 'insufficient_balance', status: 402, model_asked: 'deepseek-chat' },
    ].map((row, at) => ({ id: refused[at]!.headers.get('x-request-id'), ...row })),
  )
  expect(admitted.status).toBe(503)
  expect(await gateway.requestRow(admitted.headers.get('x-request-id')!)).toMatchObject({
    outcome: 'upstream_error',
    status: 503,
  })
})

test('a process that ends stores what it has refused', async () => {
  const other = await startGateway({ upstreamUrl: upstream.url })
  await chat(other, '{')
  await other.services.close()
  // The gateway's own pool is closed; the database is still there.
  const { rows } = await other.database.query('select code, count from refusal_count')
  expect(rows).toEqual([{ code: 'invalid_json', count: 1 }])
  await other.close()
})
