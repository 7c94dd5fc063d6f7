import {
  bill,
  COUNTED_VERSION,
  dueFor,
  tokensPerKilobyte,
  type Outcome,
} from '@smartoken/prisma/bill'
import { charge, type Model, type Usage } from '@smartoken/prisma/catalog'
import type { NanoUsd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestAccount } from '../support/accounts.ts'
import { sayingExactly as saying } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { leavingClient } from '../support/leaving-client.ts'
import { until } from '../support/until.ts'
import { startUpstream, type TestUpstream, type UpstreamCall } from '../support/upstream.ts'
import { prefixOf, wires, type Prefix, type Wire } from '../support/wires.ts'

/** Bytes of a chunk: odd, so that some of them cut a character of three bytes or four. */
const CHUNK_BYTES = 61
const RANDOM_OFFSETS = 500
const AT_ONCE = 24
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))

type Ending =
  | 'the client leaves, which stops the bill'
  | 'the client leaves, and is billed on'
  | 'the upstream breaks'
const ENDINGS: readonly Ending[] = [
  'the client leaves, which stops the bill',
  'the client leaves, and is billed on',
  'the upstream breaks',
]

let upstream: TestUpstream
const gateways = new Map<Ending, TestGateway>()
const accounts = new Map<Ending, TestAccount>()
/** The scripts of requests under way, by the name in their prompt. */
const scripts = new Map<
  string,
  (out: Parameters<Parameters<TestUpstream['behave']>[0]>[0], call: UpstreamCall) => void
>()

beforeAll(async () => {
  upstream = await startUpstream()
  const stops = await startGateway({ upstreamUrl: upstream.url, billsOnCancel: 'stops' })
  const continues = await startGateway({
    upstreamUrl: upstream.url,
    billsOnCancel: 'continues',
    drains: { most: AT_ONCE },
  })
  for (const [ending, gateway] of [
    [ENDINGS[0]!, stops],
    [ENDINGS[1]!, continues],
    [ENDINGS[2]!, stops],
  ] as const) {
    gateways.set(ending, gateway)
    accounts.set(ending, await gateway.newAccount({ balance: '100' }))
  }
  upstream.behave((out, call) => {
    const { content } = (call.body['messages'] as { content: string }[])[0]!
    scripts.get(content.slice(0, content.indexOf(' ')))!(out, call)
  })
})
afterAll(async () => {
  for (const gateway of new Set(gateways.values())) await gateway.close()
  await upstream.close()
})

/** What the table of outcomes says of a stream that ends so behind these bytes. */
function outcomeFor(prefix: Prefix, ending: Ending): Outcome {
  if (prefix.done) return 'completed'
  if (ending === 'the upstream breaks') {
    if (prefix.finished && prefix.usage) return 'completed'
    return prefix.output ? 'upstream_broke' : 'upstream_error'
  }
  if (prefix.finished) return 'client_left_after_finish'
  if (!prefix.output) return 'client_left_before_output'
  return ending === 'the client leaves, which stops the bill'
    ? 'client_left'
    : 'client_left_drained'
}

interface Expected {
  readonly outcome: Outcome
  readonly source: 'provider' | 'counted' | 'none'
  readonly due: NanoUsd
}

/** The charge worked out twice: by the table, and by hand. */
function expectedOf(wire: Wire, model: Model, prefix: Prefix, ending: Ending, row: Row): Expected {
  const outcome = outcomeFor(prefix, ending)
  const price = model.prices.find(({ id }) => id === row.price_id)!
  const perKilobyte = tokensPerKilobyte(COUNTED_VERSION, model.family)
  const counted = (answerBytes: number): Usage => ({
    input: Math.floor((row.prompt_bytes * perKilobyte) / 1_000),
    cachedInput: 0,
    cacheWrite: 0,
    output: Math.floor((answerBytes * perKilobyte) / 1_000),
    thinkingOutput: 0,
  })
  const byHand: Partial<Record<Outcome, readonly [Expected['source'], Usage | undefined]>> = {
    completed: ['provider', wire.usage],
    client_left_after_finish: ['provider', wire.usage],
    client_left_drained: ['provider', wire.usage],
    client_left: ['counted', counted(prefix.textBytes)],
    client_left_before_output: ['counted', counted(0)],
    upstream_broke: ['counted', counted(prefix.textBytes)],
    upstream_error: ['none', undefined],
  }
  const [source, usage] = byHand[outcome]!
  const limit = row.max_tokens_sent
  const billed = bill({
    outcome,
    family: model.family,
    promptBytes: row.prompt_bytes,
    answerBytes: prefix.textBytes,
    limit,
    most: { prompt: 100_000, output: limit },
    reported: source === 'provider' ? wire.usage : undefined,
  })
  const due = dueFor(billed, price, row.held)
  expect([source, due]).toEqual([billed.source, usage ? charge(usage, price) : 0n])
  return { outcome, source, due }
}

interface Row {
  readonly outcome: string
  readonly charge: bigint
  readonly excused: bigint
  readonly shortfall: bigint
  readonly held: NanoUsd
  readonly usage_source: string
  readonly answer_bytes: bigint
  readonly prompt_bytes: number
  readonly max_tokens_sent: number
  readonly price_id: string
}

/** The row of the request that named itself so. */
async function rowOf(gateway: TestGateway, name: string): Promise<Row | undefined> {
  const { rows } = await gateway.database.query<Row>(
    'select * from request where user_agent = $1',
    [name],
  )
  return rows[0]
}

let count = 0

/** Streams so many bytes of the wire, ends it so, and compares what was charged with what the table says. */
async function abort(wire: Wire, bytes: number, ending: Ending): Promise<void> {
  const gateway = gateways.get(ending)!
  const prefix = prefixOf(wire, bytes)
  const name = `visit-${(count += 1)}`
  const whole = Buffer.from(wire.events.map((one) => one.wire).join(''))
  const called = Promise.withResolvers<void>()
  const broken = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  scripts.set(name, async (out, call) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    void call.closed.then(gone.resolve)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      out.write(whole.subarray(at, Math.min(at + CHUNK_BYTES, bytes)))
      await new Promise(setImmediate) // chunks of their own on the wire, too
    }
    called.resolve()
    await broken.promise
    if (ending === 'the upstream breaks') out.destroy()
    else out.end(whole.subarray(bytes))
  })
  const client = leavingClient(
    { ...gateway, ...accounts.get(ending)! },
    saying(`${name} ${'天气'.repeat(50)}`, { stream: true, model: wire.model }),
    name,
  )
  await called.promise
  await client.received(Buffer.byteLength(prefix.passed))
  if (ending === 'the upstream breaks') broken.resolve()
  else if (!prefix.done) {
    await client.leave()
    broken.resolve()
  }
  if (prefix.done || ending === 'the upstream breaks') await client.ended
  const row = await until(() => rowOf(gateway, name))
  broken.resolve()
  await gone.promise
  const model = gateway.services.catalog.models.find(({ id }) => id === wire.model)!
  const { outcome, source, due } = expectedOf(wire, model, prefix, ending, row)
  const excused = outcome === 'upstream_broke' ? due : 0n
  expect({ at: bytes, ...row }).toMatchObject({
    at: bytes,
    outcome,
    usage_source: source,
    charge: due - excused,
    excused,
    shortfall: 0n,
    answer_bytes: BigInt(
      outcome === 'upstream_error' || outcome === 'client_left_before_output'
        ? 0
        : prefix.textBytes,
    ),
  })
  expect(client.text.startsWith(prefix.passed)).toBe(true)
  const told = client.text.slice(prefix.passed.length)
  expect(told.includes('data: [DONE]')).toBe(outcome === 'completed')
  expect(told.includes('"upstream_broke"')).toBe(outcome === 'upstream_broke')
}

/** Runs them all, so many at once. */
async function inTurns(visits: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...visits]
  const runner = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, runner))
}

/** Numbers that follow from the seed: a linear congruential generator. */
function random(): () => number {
  let state = SEED % 2_147_483_647 || 1
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

const lengthOf = (wire: Wire): number =>
  Buffer.byteLength(wire.events.map((one) => one.wire).join(''))

describe.each(ENDINGS)('where %s', (ending) => {
  test.each(wires)(
    'at every chunk of a stream of $name, the charge is the table’s',
    async (wire) => {
      const chunks = Math.ceil(lengthOf(wire) / CHUNK_BYTES)
      const visits = Array.from(
        { length: chunks + 1 },
        (_, at) => () => abort(wire, Math.min(at * CHUNK_BYTES, lengthOf(wire)), ending),
      )
      await inTurns(visits)
      expect(await gateways.get(ending)!.breaks()).toEqual([])
    },
  )
})

test(`at ${RANDOM_OFFSETS} offsets of seed ${SEED}, the charge is the table’s and the books agree`, async () => {
  const next = random()
  const visits = Array.from({ length: RANDOM_OFFSETS }, () => {
    const wire = wires[Math.floor(next() * wires.length)]!
    const bytes = Math.floor(next() * (lengthOf(wire) + 1))
    const ending = ENDINGS[Math.floor(next() * ENDINGS.length)]!
    return () => abort(wire, bytes, ending)
  })
  await inTurns(visits)
  for (const gateway of new Set(gateways.values())) {
    expect(await gateway.breaks()).toEqual([])
    expect(gateway.services.pending.size).toBe(0)
  }
})
