import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApiServices } from '@smartoken/api/services'
import { plainAnswer } from '../support/answers.ts'
import { chat, saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { json, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let wire: TcpProxy
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  upstream.behave(json(plainAnswer({ prompt_tokens: 5, completion_tokens: 1 })))
  gateway = await startGateway({
    upstreamUrl: upstream.url,
    reachDatabase: async (url) => (wire = await startTcpProxy(url)).url,
  })
})
afterAll(async () => {
  await gateway.close()
  await wire.close()
  await upstream.close()
})

test('every connection of a gateway and an api is one that PostgreSQL ends before its snapshot grows old', async () => {
  expect((await chat(gateway, saying('hi'))).status).toBe(200)
  const api = openApiServices({
    DATABASE_URL: wire.url,
    NODE_ENV: 'test',
    PUBLIC_URL: 'http://127.0.0.1:3000',
    SESSION_SECRET: 'a session secret of these tests alone',
    GOOGLE_CLIENT_ID: 'smartoken',
    GOOGLE_CLIENT_SECRET: 'a client secret of these tests',
  })
  await api.prisma.account.count()
  await api.prisma.$disconnect()
  const limits = wire.connections.map((stated) => [
    stated['application_name'],
    stated['statement_timeout'],
    stated['idle_in_transaction_session_timeout'],
  ])
  expect(new Set(limits.map(([name]) => name))).toEqual(
    new Set(['smartoken-gateway', 'smartoken-ledger', 'smartoken-api']),
  )
  for (const limit of limits) {
    const statement = limit[0] === 'smartoken-api' ? '5000' : '2000'
    expect(limit).toEqual([limit[0], statement, '1000'])
  }
})

test('a session of another that keeps an old snapshot stops no request', async () => {
  const session = await gateway.database.connect()
  try {
    await session.query('begin isolation level repeatable read')
    await session.query('set local idle_in_transaction_session_timeout = 0')
    const seen = () => session.query('select count(*) from request')
    const before = (await seen()).rows
    for (let asked = 0; asked < 200; asked += 20) {
      const answers = Array.from({ length: 20 }, () => chat(gateway, saying('hi')))
      for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200)
    }
    expect((await seen()).rows).toEqual(before)
  } finally {
    await session.query('rollback')
    session.release()
  }
  expect(await gateway.breaks()).toEqual([])
})
