import { mostExpensive, findModel, quote } from '@smartoken/prisma/catalog'
import { credit } from '@smartoken/prisma/ledger'
import { nanoUsd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount } from '../support/accounts.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

const REQUESTS = 1_000
const AFFORDABLE = 50

const body = JSON.stringify({
  model: 'kimi-k3',
  max_tokens: 100,
  messages: [
    { role: 'user', content: 'sandbox {"usage": {"prompt_tokens": 40, "completion_tokens": 100}}' },
  ],
})
/** Tokens a prompt is held for beyond its bytes. */
const TEMPLATE_ALLOWANCE = 512

let gateway: TestGateway
const upstream = { asked: 0, release: Promise.withResolvers<void>() }

beforeAll(async () => {
  gateway = await startGateway({
    sandbox: {
      beforeAnswer: () => {
        upstream.asked += 1
        return upstream.release.promise
      },
    },
  })
})

afterAll(() => gateway.close())

/** What one of these requests holds, by the prices as published. */
function holdOfOne(): bigint {
  const { model } = findModel(gateway.services.catalog, 'kimi-k3')!
  const { price } = quote(gateway.services.catalog, model, new Date())
  return mostExpensive(price, {
    inputTokens: Buffer.byteLength(body) + TEMPLATE_ALLOWANCE,
    outputTokens: 100,
  })
}

test('of 1,000 requests at once on a wallet that affords 50, exactly 50 are admitted and the rest get 402', async () => {
  const account = await createAccount(gateway.database)
  await credit(gateway.database, [
    {
      ref: 'fifty',
      kind: 'top_up',
      source: 'cash_in:test',
      accountId: account.accountId,
      amount: nanoUsd(BigInt(AFFORDABLE) * holdOfOne()),
      withdrawable: true,
    },
  ])

  let refused = 0
  const statuses = Array.from({ length: REQUESTS }, async () => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.secret}`, 'content-type': 'application/json' },
      body,
    })
    if (response.status !== 200) refused += 1
    if (refused === REQUESTS - AFFORDABLE) upstream.release.resolve()
    await response.arrayBuffer()
    return response.status
  })
  const counted = Object.groupBy(await Promise.all(statuses), String)

  expect(
    Object.fromEntries(Object.entries(counted).map(([status, all]) => [status, all!.length])),
  ).toEqual({
    200: AFFORDABLE,
    402: REQUESTS - AFFORDABLE,
  })
  expect(upstream.asked).toBe(AFFORDABLE)
  expect(await gateway.breaks()).toEqual([])
  const { rows } = await gateway.database.query<{ charge: bigint; requests: bigint }>(
    'select sum(charge)::bigint as charge, count(*) as requests from request where account_id = $1',
    [account.accountId],
  )
  expect(rows[0]!.requests).toBe(BigInt(AFFORDABLE))
  expect((await gateway.wallet(account)).posted).toBe(
    BigInt(AFFORDABLE) * holdOfOne() - rows[0]!.charge,
  )
})
