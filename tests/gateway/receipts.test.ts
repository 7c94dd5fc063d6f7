import { recompute, type Receipt } from '@smartoken/prisma/bill'
import { newId } from '@smartoken/prisma/ids'
import { newSecret } from '@smartoken/prisma/keys'
import { credit, refund } from '@smartoken/prisma/ledger'
import { nanoUsd, usd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { chat, receiptIn, sandboxPrompt, saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())

const usage = {
  prompt_tokens: 100,
  completion_tokens: 50,
  prompt_tokens_details: { cached_tokens: 60 },
}
const told = sandboxPrompt({ text: 'Hello.', usage })

/** Asks for a receipt with a key, by default the first account's. */
const get = (id: string, headers: HeadersInit = { 'x-api-key': gateway.secret }) =>
  fetch(`${gateway.url}/v1/receipts/${id}`, { headers })

async function receiptOf(id: string, { secret }: { secret: string } = gateway): Promise<Receipt> {
  const answer = await get(id, { 'x-api-key': secret })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Receipt
}

const idOf = (answer: Response): string => answer.headers.get('x-request-id')!

describe('a receipt', () => {
  test('gives the charge of a plain answer to the nano-dollar', async () => {
    const answer = await chat(gateway, saying(told))
    const receipt = await receiptOf(idOf(answer))
    expect(receipt).toMatchObject({
      request_id: idOf(answer),
      endpoint: '/v1/chat/completions',
      model: 'deepseek-chat',
      stream: false,
      outcome: 'completed',
      charge_usd: answer.headers.get('x-smartoken-cost'),
      price: {
        id: answer.headers.get('x-smartoken-price'),
        source: { page: '/models/deepseek-chat' },
      },
      usage: { input: 40, cached_input: 60, cache_write: 0, output: 50, thinking_output: 0 },
      usage_source: 'provider',
    })
    const { charge } = await gateway.requestRow(idOf(answer))
    expect(recompute(receipt)).toMatchObject({ charge, differences: [] })
  })

  test('is the one that ended the stream, with the lots it took', async () => {
    const answer = await chat(gateway, saying(told, { stream: true }))
    const comment = receiptIn(await answer.text())
    const { lots, ...receipt } = await receiptOf(idOf(answer))
    expect(receipt).toEqual(comment)
    expect(lots).toEqual([
      { lot: expect.stringMatching(/^lot_/), kind: 'charge', amount_usd: receipt.charge_usd },
    ])
  })

  test('of an answer that had to be counted names what by', async () => {
    const answer = await chat(
      gateway,
      saying(sandboxPrompt({ text: '你好', usage: { prompt_tokens: -1, completion_tokens: 1 } })),
    )
    const receipt = await receiptOf(idOf(answer))
    expect(receipt.usage_source).toBe('counted')
    expect(receipt.usage_flag).toBe('usage_implausible')
    expect(receipt.counted).toMatchObject({ version: 1, tokens_per_kilobyte: 180, answer_bytes: 6 })
    expect(recompute(receipt).differences).toEqual([])
  })

  test('shows promo money before paid, and what was refunded to which', async () => {
    const account = await gateway.newAccount()
    await credit(gateway.database, [
      {
        ref: `gift:${account.accountId}`,
        kind: 'promo',
        source: 'promo_expense',
        accountId: account.accountId,
        amount: usd('0.000001'),
        withdrawable: false,
        expiresAt: new Date(Date.now() + 86_400_000),
      },
    ])
    const asked = { headers: { 'x-api-key': account.secret } }
    const requestId = idOf(await chat(gateway, saying(told), asked))
    const before = await receiptOf(requestId, account)
    expect(before.lots!.map(({ amount_usd }) => amount_usd)).toContain('0.000001')
    expect(sum(before, 'charge')).toBe(usd(before.charge_usd))

    await refund(gateway.database, [
      {
        ref: `${requestId}:goodwill`,
        requestId,
        accountId: account.accountId,
        amount: usd('0.000002'),
      },
    ])
    const after = await receiptOf(requestId, account)
    expect(after.settle.refunded_usd).toBe('0.000002')
    expect(sum(after, 'refund')).toBe(usd('0.000002'))
    expect(after.charge_usd).toBe(before.charge_usd)
    expect(recompute(after).differences).toEqual([])
  })

  test('of an answer that broke off shows what was excused', async () => {
    const answer = await chat(
      gateway,
      saying(sandboxPrompt({ text: 'Hello there.', pieces: 6, cut_after: 3 }), { stream: true }),
    )
    await answer.text().catch(() => '')
    await gateway.quiet()
    const receipt = await receiptOf(idOf(answer))
    expect(receipt).toMatchObject({ outcome: 'upstream_broke', charge_usd: '0.00' })
    expect(usd(receipt.settle.excused_usd)).toBeGreaterThan(0n)
    expect(recompute(receipt).differences).toEqual([])
  })

  test('of a model that has left the catalog tells what is stored', async () => {
    const answer = await chat(gateway, saying(told))
    const before = await receiptOf(idOf(answer))
    await gateway.database.query(`update request set model_id = 'gone' where id = $1`, [
      idOf(answer),
    ])
    const receipt = await receiptOf(idOf(answer))
    expect(receipt).toMatchObject({ model: 'gone', charge_usd: before.charge_usd })
    expect(receipt.price.source).toMatchObject({ page: null, list_price: null })
    expect(recompute(receipt).differences).toEqual([])
  })

  test('is by the price as it was published, whatever the catalog says by now', async () => {
    const answer = await chat(gateway, saying(told, { model: 'qwen-plus' }))
    await gateway.database.query(
      `update price set terms = jsonb_set(terms, '{tiers,0,rates,output}', '"7000001"') where id = $1`,
      [answer.headers.get('x-smartoken-price')],
    )
    const receipt = await receiptOf(idOf(answer))
    expect(receipt.price.tiers[0]!.output).toBe('7.000001')
    expect(recompute(receipt).differences).toHaveLength(2)
  })
})

const sum = ({ lots }: Receipt, kind: 'charge' | 'refund') =>
  nanoUsd(
    lots!.filter((lot) => lot.kind === kind).reduce((all, lot) => all + usd(lot.amount_usd), 0n),
  )

describe('whoever asks for a receipt', () => {
  let id: string
  beforeAll(async () => {
    id = idOf(await chat(gateway, saying(told)))
  })

  /** Another key of the first account. */
  async function anotherKey(column?: 'revoked_at' | 'expires_at', at?: string) {
    const { secret, hash, hint } = newSecret()
    await gateway.database.query(
      'insert into api_key (id, account_id, name, secret_hash, hint) values ($1, $2, $3, $4, $5)',
      [newId('apiKey'), gateway.accountId, 'other', hash, hint],
    )
    const stop = () =>
      gateway.database.query(
        `update api_key set ${column} = now() + $1::interval where secret_hash = $2`,
        [at, hash],
      )
    return { secret, stop }
  }

  test('may name the key in either header, and be any key of the account', async () => {
    expect((await get(id, { authorization: `Bearer ${gateway.secret}` })).status).toBe(200)
    expect((await get(id, { 'x-api-key': (await anotherKey()).secret })).status).toBe(200)
  })

  test.each([
    ['revoked', 'revoked_at', '-1 second'],
    ['expired', 'expires_at', '-1 second'],
  ] as const)(
    'gets 401 with a %s key, though it was good a moment ago',
    async (_word, column, at) => {
      const { secret, stop } = await anotherKey(column, at)
      expect((await get(id, { 'x-api-key': secret })).status).toBe(200)
      await stop()
      for (const asked of [id, newId('request'), 'nonsense']) {
        const answer = await get(asked, { 'x-api-key': secret })
        expect(answer.status).toBe(401)
        expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key' } })
      }
    },
  )

  test.each([
    ['revoked', 'revoked_at'],
    ['expired', 'expires_at'],
  ] as const)('gets it with a key to be %s tomorrow', async (_word, column) => {
    const { secret, stop } = await anotherKey(column, '1 day')
    await stop()
    expect((await get(id, { 'x-api-key': secret })).status).toBe(200)
  })

  test('gets 401 without a key', async () => {
    expect((await get(id, {})).status).toBe(401)
  })

  describe('is told alike', () => {
    let other: TestAccount
    beforeAll(async () => {
      other = await gateway.newAccount()
    })
    test.each([
      ['an unknown id', () => newId('request')],
      ['another account’s', () => id],
      ['another account’s running one', () => openHold()],
      ['nonsense', () => 'nonsense'],
      ['an id with more behind it', () => `${id}:late`],
      ['what is no text in a database', () => 'req_%00'],
      ['a broken escape', () => '%ff'],
      ['a very long one', () => 'x'.repeat(4_000)],
    ])('of %s', async (_what, asked) => {
      const answer = await get(await asked(), { 'x-api-key': other.secret })
      expect(answer.status).toBe(404)
      expect(answer.headers.get('retry-after')).toBeNull()
      expect(await answer.json()).toEqual({
        error: {
          message: expect.stringContaining('no receipt with that request id'),
          type: 'invalid_request_error',
          param: null,
          code: 'receipt_not_found',
        },
      })
    })
  })

  test('is told that a request of their own is still running', async () => {
    const answer = await get(await openHold())
    expect(answer.status).toBe(404)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(await answer.json()).toMatchObject({
      error: { code: 'receipt_not_found', message: expect.stringContaining('still running') },
    })
  })

  /** An open hold of the first account, as a request in flight has it. */
  async function openHold(): Promise<string> {
    const requestId = newId('request')
    await gateway.database.query(
      `insert into hold (request_id, account_id, api_key_id, amount, tokens, epoch, price_id, facts, opened_at)
        values ($1, $2, $3, 1, 1, 1, 'p', '{}', now())`,
      [requestId, gateway.accountId, gateway.apiKeyId],
    )
    return requestId
  }

  test('can only read it', async () => {
    const answer = await fetch(`${gateway.url}/v1/receipts/${id}`, { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET')
  })
})
