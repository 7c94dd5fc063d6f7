import { bill, dueFor, type Outcome } from '@smartoken/prisma/bill'
import { charge, mostExpensive, quote, type Model, type PriceRow } from '@smartoken/prisma/catalog'
import { credit, type RenewAnswer } from '@smartoken/prisma/ledger'
import { formatUsd, nanoUsd, usd, type NanoUsd } from '@smartoken/prisma/money'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { ending, piece } from '../support/answers.ts'
import { chat, dataIn, receiptIn, sayingExactly as saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { read } from '../support/reading.ts'
import { streaming } from '../support/streams.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { event, startUpstream, type TestUpstream } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway
let proxy: TcpProxy
let streams: ReturnType<typeof streaming>
/** What the ledger has answered to renewals in this test. */
const renewals: RenewAnswer[] = []
let away = 0
let account: TestAccount

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({
    upstreamUrl: upstream.url,
    reachDatabase: async (url) => (proxy = await startTcpProxy(url)).url,
    // Longer than the ledger takes to say that it has no answer; shorter than the real 5 seconds.
    edge: { patienceMs: 1_500, retryMs: 20 },
    ledger: (opened) => ({
      open: (asked) => opened.open(asked),
      settle: (settlement) => opened.settle(settlement),
      isLive: (id) => opened.isLive(id),
      close: () => opened.close(),
      async renew(renewal) {
        try {
          const answer = await opened.renew(renewal)
          renewals.push(answer)
          return answer
        } catch (error) {
          away += 1
          throw error
        }
      },
    }),
  })
})
beforeEach(() => {
  renewals.length = 0
  away = 0
  streams = streaming(upstream)
})
afterEach(async () => expect(await gateway.breaks()).toEqual([]))
afterAll(async () => {
  await gateway.close()
  await proxy.close()
  await upstream.close()
})

const body = saying('x'.repeat(100), { stream: true })
/** The prompt's bound: its body's bytes and what a provider may put around it. */
const promptTokens = (sent: object) => Buffer.byteLength(JSON.stringify(sent)) + 512
const promptBytes = Buffer.byteLength(`roleusercontent${'x'.repeat(100)}`)

const model = (): Model => gateway.services.catalog.models.find(({ id }) => id === 'deepseek-chat')!

const price = (): PriceRow => quote(gateway.services.catalog, model(), new Date()).price

const head = { id: 'chat-1', object: 'chat.completion.chunk', created: 1, model: 'deepseek' }
const first = event({
  ...head,
  choices: [{ index: 0, delta: { content: 'ab' }, finish_reason: null }],
})

/** What a request with this body is held for while its answer may have so many tokens, nUSD. */
const heldFor = (outputTokens: number, sent: object = body): NanoUsd =>
  mostExpensive(price(), { inputTokens: promptTokens(sent), outputTokens })

const accountWith = (amount: bigint): Promise<TestAccount> =>
  gateway.newAccount({ balance: formatUsd(nanoUsd(amount)) })

/** Begins a stream of the account; its first output, two bytes, has come. */
async function begin(over: object = {}) {
  const asked = chat({ ...gateway, ...account }, { ...body, ...over })
  const stream = await streams.next()
  stream.write(first)
  const answer = await asked
  return { answer, stream, reading: read(answer), id: answer.headers.get('x-request-id')! }
}

const topUp = (amount: NanoUsd) =>
  credit(gateway.database, [
    {
      ref: `more:${account.accountId}`,
      kind: 'top_up',
      source: 'cash_in:test',
      accountId: account.accountId,
      amount,
      withdrawable: true,
    },
  ])

/** Text that counts for at most so many tokens: two bytes each, in our estimate. */
const text = (tokens: number): string => 'ab'.repeat(tokens)

/** What the table of outcomes makes of an answer of so many bytes that nobody reported usage of. */
function counted(outcome: Outcome, answerBytes: number, limit: number, held: NanoUsd): NanoUsd {
  const most = { prompt: promptTokens(body), output: limit }
  const ended = { outcome, family: model().family, reported: undefined, most, limit }
  return dueFor(bill({ ...ended, promptBytes, answerBytes }), price(), held)
}

/** Takes what is left of the account's wallet, as a request that is under way. */
async function takeTheRest(): Promise<() => Promise<void>> {
  const { posted, held } = await gateway.wallet(account)
  await gateway.database.query('update wallet set held = posted where account_id = $1', [
    account.accountId,
  ])
  return async () => {
    await gateway.database.query('update wallet set held = held - $2 where account_id = $1', [
      account.accountId,
      posted - held,
    ])
  }
}

describe('a stream is held for in slices', () => {
  test('of 4,096 tokens, the next once half of one is left, and charged exactly', async () => {
    account = await gateway.newAccount()
    const { answer, stream, reading } = await begin()
    expect(stream.call.body['max_tokens']).toBe(model().maxOutput)
    expect(answer.headers.get('x-smartoken-adjusted')).toBeNull()
    const held = async () => (await gateway.wallet(account)).held
    expect(await held()).toBe(heldFor(4_096))
    for (const [slices, tokens] of [
      [2, 2_200],
      [3, 4_096],
      [4, 4_096],
    ] as const) {
      stream.write(piece(text(tokens)))
      await until(async () => (await held()) === heldFor(slices * 4_096))
    }
    stream.end(ending({ prompt_tokens: 30, completion_tokens: 7_000 }))
    const { text: said } = await reading.ended
    const due = charge({ ...nothing, input: 30, output: 7_000 }, price())
    expect(receiptIn(said)).toMatchObject({
      charge_usd: formatUsd(due),
      hold: { amount_usd: formatUsd(heldFor(4 * 4_096)) },
    })
    expect(dataIn(said).join('').match(/ab/g)).toHaveLength(1 + 2_200 + 2 * 4_096)
    expect(await gateway.wallet(account)).toMatchObject({ posted: usd('10') - due, held: 0n })
  })

  test('at most what its limit costs', async () => {
    account = await gateway.newAccount()
    const { stream, reading } = await begin({ max_tokens: 5_000 })
    const asked = { ...body, max_tokens: 5_000 }
    expect((await gateway.wallet(account)).held).toBe(heldFor(4_096, asked))
    stream.write(piece(text(4_000)))
    await until(async () => (await gateway.wallet(account)).held === heldFor(5_000, asked))
    stream.write(piece(text(20_000)))
    stream.end(ending({ prompt_tokens: 30, completion_tokens: 5_000 }))
    expect((await reading.ended).text).toContain('"usage_source":"provider"')
    expect(renewals.filter(({ amount }) => amount! > heldFor(5_000, asked))).toEqual([])
  })

  test('and goes upstream with no limit the wallet could not pay at admission', async () => {
    account = await accountWith(heldFor(9_000))
    const { answer, stream, reading } = await begin()
    expect(stream.call.body['max_tokens']).toBe(9_000)
    expect(answer.headers.get('x-smartoken-adjusted')).toBe('max_tokens=9000')
    stream.end(ending({ prompt_tokens: 5, completion_tokens: 1 }))
    await reading.ended
  })

  test('and a wallet with exactly enough for its limit is enough, to the last nano-dollar', async () => {
    const asked = { ...body, max_tokens: 9_000 }
    account = await accountWith(heldFor(9_000, asked))
    const { stream, reading } = await begin({ max_tokens: 9_000 })
    for (const end of [4, 8, 12, 16]) {
      stream.write(piece(`${text(4_000)}${end}`))
      await reading.until(`ab${end}`)
    }
    stream.end(ending({ prompt_tokens: promptTokens(asked), completion_tokens: 9_000 }))
    expect(dataIn((await reading.ended).text).at(-1)).toBe('[DONE]')
    expect(await gateway.wallet(account)).toEqual({ posted: 0n, held: 0n, openHolds: 0 })
  })
})

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

describe('where a stream’s money is used up', () => {
  test('it ends as at a limit, and pays at most what was held', async () => {
    account = await accountWith(heldFor(20_000))
    const more = { stream_options: { include_usage: true } }
    const { id, stream, reading } = await begin(more)
    const held = heldFor(4_096, { ...body, ...more })
    const giveBack = await takeTheRest()
    stream.write(piece(text(5_000)))
    const { text: said } = await reading.ended
    await until(() => stream.closed)
    await giveBack()

    const told = dataIn(said)
    expect(told.at(-1)).toBe('[DONE]')
    const chunks = told.slice(0, -1).map((data) => JSON.parse(data) as object)
    expect(chunks.slice(2)).toEqual([
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] },
      {
        ...head,
        choices: [],
        usage: {
          prompt_tokens: 20,
          completion_tokens: 1_800,
          total_tokens: 1_820,
          prompt_tokens_details: { cached_tokens: 0 },
        },
      },
    ])
    const due = counted('money_limit', 10_002, 20_000, held)
    expect(receiptIn(said)).toMatchObject({ charge_usd: formatUsd(due), outcome: 'money_limit' })
    expect(await gateway.requestRow(id)).toMatchObject({
      outcome: 'money_limit',
      status: 200,
      charge: due,
      held,
      finish_reason: 'length',
      usage_source: 'counted',
    })
  })

  test('it waits, and goes on when the wallet is topped up in time', async () => {
    account = await accountWith(heldFor(20_000))
    const { stream, reading } = await begin()
    const giveBack = await takeTheRest()
    stream.write(piece(`${text(5_000)} edge`))
    await reading.until('edge')
    stream.write(piece('beyond'))
    // Asked for again and again, and refused: it is waiting, with the next piece before its door.
    const asked = renewals.length
    await until(() => renewals.length > asked + 5)
    expect(renewals.at(-1)!.outcome).toBe('short')
    expect(reading.text).not.toContain('beyond')
    await topUp(usd('1'))
    await reading.until('beyond')
    stream.end(ending({ prompt_tokens: 30, completion_tokens: 5_000 }))
    const { text: said } = await reading.ended
    await giveBack()
    expect(receiptIn(said)).toMatchObject({ outcome: 'completed', usage_source: 'provider' })
  })

  test.each([
    ['a revoked key', 'api_key', 'revoked_at = now()'],
    ['a frozen account', 'account', `frozen_at = now(), frozen_reason = 'x'`],
    ['a key whose cap is reached', 'api_key', 'cap_total = 1'],
  ] as const)('it ends so for %s, too', async (_name, table, set) => {
    account = await gateway.newAccount()
    const { stream, reading } = await begin()
    await gateway.database.query(`update ${table} set ${set} where id = $1`, [
      table === 'account' ? account.accountId : account.apiKeyId,
    ])
    stream.write(piece(text(5_000)))
    const { text: said } = await reading.ended
    expect(dataIn(said).at(-2)).toContain('"finish_reason":"length"')
    expect(receiptIn(said)).toMatchObject({
      outcome: 'money_limit',
      charge_usd: formatUsd(counted('money_limit', 10_002, model().maxOutput, heldFor(4_096))),
    })
  })

  const beyond = [
    event({ choices: [], usage: { prompt_tokens: 30, completion_tokens: 10_000 } }),
    event('[DONE]'),
  ]

  test('what has its finish reason is read on, and what the wallet lacks is the house’s', async () => {
    account = await accountWith(heldFor(20_000))
    const { id, stream, reading } = await begin()
    const giveBack = await takeTheRest()
    stream.write(piece(text(5_000), 'stop'))
    stream.end(...beyond)
    expect(receiptIn((await reading.ended).text)).toMatchObject({ outcome: 'completed' })
    await giveBack()
    const due = charge({ ...nothing, input: 30, output: 10_000 }, price())
    expect(await gateway.requestRow(id)).toMatchObject({
      charge: heldFor(4_096),
      shortfall: due - heldFor(4_096),
    })
  })

  test('usage beyond the hold is paid by the wallet where that has it', async () => {
    account = await accountWith(heldFor(20_000))
    const { stream, reading } = await begin()
    stream.end(piece('all of it', 'stop'), ...beyond)
    const due = charge({ ...nothing, input: 30, output: 10_000 }, price())
    expect(due).toBeGreaterThan(heldFor(4_096))
    expect(receiptIn((await reading.ended).text)).toMatchObject({
      charge_usd: formatUsd(due),
      hold: { amount_usd: formatUsd(heldFor(4_096)) },
    })
  })

  test('twenty at once share what there is, and take no more', async () => {
    account = await accountWith(heldFor(4_096) * 20n + heldFor(4_096) * 4n)
    const begun = await Promise.all(Array.from({ length: 20 }, () => begin()))
    const wallets: { posted: bigint; held: bigint }[] = []
    const usage = { prompt_tokens: 30, completion_tokens: 1_200 }
    for (let round = 0; round < 8; round += 1) {
      for (const [at, stream] of streams.streams.entries()) {
        // Half of them have little to say.
        if (at % 2 === 0 && round === 1) stream.end(ending(usage))
        else if (at % 2 === 1 || round === 0) stream.write(piece(text(3_000)))
      }
      wallets.push(await gateway.wallet(account))
    }
    await until(() => streams.streams.some(({ closed, out }) => closed && !out.writableFinished))
    // What a stream gives back that ran out may take another to its end.
    for (const stream of streams.streams) if (!stream.out.writableEnded) stream.end(ending(usage))
    const said = await Promise.all(begun.map(({ reading }) => reading.ended))
    const outcomes = said.map(({ text: all }) => receiptIn(all)?.['outcome'])
    expect(new Set(outcomes)).toEqual(new Set(['completed', 'money_limit']))
    for (const { posted, held } of wallets) expect(held).toBeLessThanOrEqual(posted)
    await gateway.quiet()
    const { rows } = await gateway.database.query<{ charge: bigint }>(
      'select charge from request where account_id = $1',
      [account.accountId],
    )
    const spent = rows.reduce((sum, row) => sum + row.charge, 0n)
    expect(await gateway.wallet(account)).toEqual({
      posted: heldFor(4_096) * 24n - spent,
      held: 0n,
      openHolds: 0,
    })
  })
})

describe('while the ledger is away, a stream', () => {
  test('flows on for one slice at the house’s risk, then ends with an error, and is charged when it is back', async () => {
    account = await gateway.newAccount()
    const { id, stream, reading } = await begin()
    proxy.swallow()
    stream.write(piece(`${text(4_096)} edge`))
    await reading.until('edge')
    stream.write(piece(`${text(2_000)} lent`))
    await reading.until('lent') // after the ledger was given up
    expect(away).toBeGreaterThan(0)
    stream.write(piece(`${text(2_100)} last`))
    const { text: said } = await reading.ended
    await until(() => stream.closed)
    expect(JSON.parse(dataIn(said).at(-1)!)).toMatchObject({
      error: { code: 'billing_unavailable', type: 'api_error' },
      choices: [{ finish_reason: 'error' }],
    })
    expect(said).not.toMatch(/\[DONE\]|receipt/)
    proxy.pass()
    await gateway.quiet()
    const bytes = 2 * (1 + 4_096 + 2_000 + 2_100) + ' edge lent last'.length
    expect(await gateway.requestRow(id)).toMatchObject({
      outcome: 'money_limit',
      error_code: 'billing_unavailable',
      answer_bytes: BigInt(bytes),
      charge: counted('money_limit', bytes, model().maxOutput, heldFor(4_096)),
    })
  })

  test('goes on as if nothing had been where it is back in time', async () => {
    account = await gateway.newAccount()
    const { stream, reading } = await begin()
    proxy.swallow()
    stream.write(piece(`${text(4_096)} edge`))
    await reading.until('edge')
    stream.write(piece('lent'))
    await reading.until('lent')
    proxy.pass()
    stream.write(piece(`${text(4_096)} again`))
    await reading.until('again')
    stream.write(piece(`${text(4_096)} more`))
    await reading.until('more')
    stream.end(ending({ prompt_tokens: 30, completion_tokens: 6_000 }))
    const due = charge({ ...nothing, input: 30, output: 6_000 }, price())
    expect(receiptIn((await reading.ended).text)).toMatchObject({ charge_usd: formatUsd(due) })
  })
})

test('a stream whose hold is gone, because its process was taken for dead, ends at once and is charged late', async () => {
  account = await gateway.newAccount()
  const { id, stream, reading } = await begin()
  await gateway.database.query(
    `select from hold_settle((select jsonb_agg(settlement_of_lost(hold)) from hold where request_id = $1), true, true)`,
    [id],
  )
  expect(await gateway.requestRow(id)).toMatchObject({ outcome: 'gateway_lost', charge: 0n })
  stream.write(piece(`${text(3_000)} low`)) // the first asking; far from the edge
  const { text: said } = await reading.ended
  expect(JSON.parse(dataIn(said).at(-1)!)).toMatchObject({ error: { code: 'billing_unavailable' } })
  expect([renewals.length, away]).toEqual([1, 0])
  await until(() => stream.closed)
  await gateway.quiet()
  const bytes = 2 * (1 + 3_000) + ' low'.length
  expect(await gateway.requestRow(id)).toMatchObject({
    outcome: 'money_limit',
    provisional: false,
    charge: counted('money_limit', bytes, model().maxOutput, heldFor(4_096)),
  })
})

test('a stream reports what it would be charged, each quarter of a slice', async () => {
  account = await gateway.newAccount()
  const { stream, reading } = await begin({ max_tokens: 4_000 })
  const asked = { ...body, max_tokens: 4_000 }
  const progress = async () => {
    const { rows } = await gateway.database.query<{ progress: Record<string, unknown> | null }>(
      'select progress from hold where account_id = $1',
      [account.accountId],
    )
    return rows[0]!.progress
  }
  stream.write(piece('a'.repeat(4_998)))
  await reading.until('aaa')
  expect(await progress()).toBeNull()
  stream.write(piece('b'.repeat(1_000)))
  const due = counted('gateway_lost', 6_000, 4_000, heldFor(4_096))
  const told = await until(async () => (await progress()) ?? undefined)
  expect(told).toMatchObject({
    due: String(due),
    outcome: 'gateway_lost',
    usage_source: 'counted',
    answer_bytes: 6_000,
    output_tokens: 1_080,
    input_tokens: 20,
  })
  // What is held is the whole limit's worth: the report asked for no more.
  await until(() => renewals.length > 0)
  expect(renewals).toMatchObject([{ outcome: 'renewed', amount: heldFor(4_000, asked) }])
  stream.end(ending({ prompt_tokens: 30, completion_tokens: 3_000 }))
  await reading.ended
})
