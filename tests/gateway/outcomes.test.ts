import { bill, dueFor, outcomes, type Outcome } from '@smartoken/prisma/bill'
import type { Usage } from '@smartoken/prisma/catalog'
import { sweep } from '@smartoken/prisma/ledger'
import type { NanoUsd } from '@smartoken/prisma/money'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ending, piece } from '../support/answers.ts'
import { chat, dataIn, sayingExactly as saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import {
  startGateway,
  type GatewayOptions,
  type RequestRow,
  type TestGateway,
} from '../support/gateway.ts'
import { leavingClient } from '../support/leaving-client.ts'
import { read } from '../support/reading.ts'
import { streaming, type OpenStream } from '../support/streams.ts'
import { until } from '../support/until.ts'
import { event, startUpstream, type TestUpstream } from '../support/upstream.ts'

const usage = { prompt_tokens: 9, completion_tokens: 700 }
const reported: Usage = { input: 9, cachedInput: 0, cacheWrite: 0, output: 700, thinkingOutput: 0 }
/** 5,000 bytes of text, 900 tokens when they are counted. */
const half = piece('ab'.repeat(2_500))
const HALF_BYTES = 5_000
/** So much that a slice is used up. */
const slice = piece('ab'.repeat(5_000))
const PROMPT_BYTES = Buffer.byteLength('roleusercontenthi')

/** A stream in the middle, in a gateway of its own. */
interface Scene {
  readonly gateway: TestGateway
  readonly upstream: TestUpstream
  readonly stream: OpenStream
  /** Writes, and waits until the client has it. */
  readonly say: (text: string) => Promise<void>
  /** The client goes. */
  readonly leave: () => Promise<void>
}

/** How to come to each outcome, and what then is known of the use. */
interface Case {
  readonly options?: GatewayOptions
  readonly play: (scene: Scene) => Promise<unknown>
  readonly delivered: number
  readonly reported?: Usage
  readonly excused?: true
}

const cases: Readonly<Record<Outcome, Case>> = {
  completed: {
    play: async ({ say, stream }) => {
      await say(half)
      stream.end(ending(usage))
    },
    delivered: HALF_BYTES,
    reported,
  },
  content_filter: {
    play: async ({ say, stream }) => {
      await say(half)
      stream.end(piece('', 'content_filter'), event('[DONE]'))
    },
    delivered: HALF_BYTES,
  },
  client_left_after_finish: {
    play: async ({ say, leave, stream }) => {
      await say(half + piece('', 'stop'))
      await leave()
      stream.end(event({ choices: [], usage }))
    },
    delivered: HALF_BYTES,
    reported,
  },
  client_left: {
    options: { billsOnCancel: 'stops' },
    play: async ({ say, leave, stream }) => {
      await say(half)
      await leave()
      await until(() => stream.closed)
    },
    delivered: HALF_BYTES,
  },
  client_left_drained: {
    options: { billsOnCancel: 'continues' },
    play: async ({ say, leave, stream }) => {
      await say(half)
      await leave()
      stream.end(piece('unheard'), ending(usage))
    },
    delivered: HALF_BYTES,
    reported,
  },
  client_left_before_output: {
    options: { billsOnCancel: 'continues' },
    play: async ({ leave, stream }) => {
      stream.write(event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }))
      await leave()
      await until(() => stream.closed)
    },
    delivered: 0,
  },
  upstream_error: { play: async ({ stream }) => stream.out.destroy(), delivered: 0 },
  upstream_broke: {
    play: async ({ say, stream }) => {
      await say(half)
      stream.out.destroy()
    },
    delivered: HALF_BYTES,
    excused: true,
  },
  money_limit: {
    options: { edge: { patienceMs: 50, retryMs: 10 } },
    play: async ({ say, gateway }) => {
      await gateway.database.query('update account set frozen_at = now(), frozen_reason = $1', [
        'x',
      ])
      await say(slice)
    },
    delivered: 10_000,
  },
  shutdown: {
    play: async ({ say, gateway }) => {
      await say(half)
      gateway.services.stopping.give()
    },
    delivered: HALF_BYTES,
  },
  gateway_lost: {
    play: async ({ say, gateway }) => {
      await say(half + piece('ab'.repeat(2_500)))
      await until(async () => (await progressIn(gateway)) === 10_000)
      // Taken for dead, and settled for; that it was not is another test's.
      await gateway.database.query(`update lease set heartbeat_at = now() - interval '1 hour'`)
      await sweep(gateway.database)
    },
    delivered: 10_000,
  },
}

/** Bytes of the answer in the progress last reported. */
async function progressIn({ database }: TestGateway): Promise<number | undefined> {
  const { rows } = await database.query<{ bytes: number | null }>(
    `select (progress ->> 'answer_bytes')::int as bytes from hold`,
  )
  return rows[0]?.bytes ?? undefined
}

let upstream: TestUpstream
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => upstream.close())

/** A gateway with one stream under way in it. */
async function openScene(options: GatewayOptions = {}) {
  const gateway = await startGateway({ upstreamUrl: upstream.url, ...options })
  const streams = streaming(upstream)
  const client = leavingClient(gateway, saying('hi', { stream: true }))
  const stream = await streams.next()
  const scene: Scene = {
    gateway,
    upstream,
    stream,
    leave: () => client.leave(),
    async say(text) {
      const before = Buffer.byteLength(client.text)
      stream.write(text)
      await client.received(before + Buffer.byteLength(text))
    },
  }
  const row = () =>
    until(async () => {
      const { rows } = await gateway.database.query<RequestRow>('select * from request')
      return rows[0]
    })
  return { scene, client, row }
}

test.each(Object.keys(outcomes) as Outcome[])('%s is billed by its row', async (outcome) => {
  const { options, play, ...known } = cases[outcome]
  const { scene, row: rowOf } = await openScene(options)
  const { gateway, stream } = scene
  try {
    await play(scene)
    const row = await rowOf()
    const model = gateway.services.catalog.models.find(({ id }) => id === 'deepseek-chat')!
    const billed = bill({
      outcome,
      family: model.family,
      promptBytes: PROMPT_BYTES,
      answerBytes: known.delivered,
      limit: model.maxOutput,
      most: { prompt: 10_000, output: model.maxOutput },
      reported: known.reported,
    })
    const price = model.prices.find(({ id }) => id === row.price_id)!
    const due = dueFor(billed, price, row['held'] as NanoUsd)
    expect(row).toMatchObject({
      outcome,
      usage_source: billed.source,
      usage_flag: billed.flag ?? null,
      counted_version: billed.countedVersion ?? null,
      output_tokens: BigInt(billed.usage.output),
      answer_bytes: BigInt(known.delivered),
      charge: known.excused ? 0n : due,
      excused: known.excused ? due : 0n,
      shortfall: 0n,
      provisional: outcome === 'gateway_lost',
    })
    expect(due > 0n).toBe(outcome !== 'upstream_error')
  } finally {
    if (!stream.closed) stream.end(ending(usage))
    expect(await gateway.breaks()).toEqual([])
    await gateway.close()
  }
})

test('a process that was taken for dead puts its request right when it ends', async () => {
  const { scene, row } = await openScene()
  const { gateway, stream } = scene
  await cases.gateway_lost.play(scene)
  expect(await row()).toMatchObject({ outcome: 'gateway_lost', provisional: true })
  stream.end(ending(usage))
  await gateway.quiet()
  const late = await row()
  expect(late).toMatchObject({
    outcome: 'completed',
    provisional: false,
    usage_source: 'provider',
    output_tokens: 700n,
  })
  expect(await gateway.breaks()).toEqual([])
  await gateway.close()
})

describe('a process that has to stop', () => {
  test('lets streams end by themselves within its grace', async () => {
    const { scene, client, row } = await openScene()
    await scene.say(half)
    const closed = scene.gateway.services.close()
    scene.stream.end(ending(usage))
    await client.ended
    await closed
    expect(client.text).toContain('data: [DONE]')
    expect(await row()).toMatchObject({ outcome: 'completed' })
    await scene.gateway.close()
  })

  test('ends those that do not with an error that says so', async () => {
    const { scene, client, row } = await openScene()
    await scene.say(half)
    await scene.gateway.services.close(0)
    await client.ended
    expect(JSON.parse(dataIn(client.text).at(-1)!)).toMatchObject({
      error: { code: 'server_restarting' },
      choices: [{ finish_reason: 'error' }],
    })
    expect(client.text).not.toContain('[DONE]')
    await until(() => scene.stream.closed)
    expect(await row()).toMatchObject({ outcome: 'shutdown', error_code: 'server_restarting' })
    await scene.gateway.close()
  })

  test.each([
    ['stream', { stream: true }],
    ['plain request', {}],
  ])('refuses a %s that has no output yet, free', async (_kind, over) => {
    const gateway = await startGateway({ upstreamUrl: upstream.url })
    const streams = streaming(upstream)
    const asked = chat(gateway, saying('hi', over))
    await streams.next()
    gateway.services.stopping.give()
    const refused = await asked
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'server_restarting' })
    expect(refused.headers.get('retry-after')).toBe('1')
    await gateway.quiet()
    expect(await gateway.requestRow(refused.headers.get('x-request-id')!)).toMatchObject({
      outcome: 'shutdown',
      charge: 0n,
      status: 503,
    })
    expect(await gateway.breaks()).toEqual([])
    await gateway.close()
  })

  test('lets go of what it reads for clients that left, at once', async () => {
    const { scene, row } = await openScene({ billsOnCancel: 'continues' })
    await scene.say(half)
    await scene.leave()
    await scene.gateway.services.close()
    await until(() => scene.stream.closed)
    expect(await row()).toMatchObject({ outcome: 'client_left', usage_source: 'counted' })
    await scene.gateway.close()
  })
})

test('a filtered answer with usage is charged exactly', async () => {
  const { scene, client, row } = await openScene()
  scene.stream.end(half, piece('', 'sensitive'), event({ choices: [], usage }), event('[DONE]'))
  await client.ended
  expect(await row()).toMatchObject({ outcome: 'content_filter', usage_source: 'provider' })
  await scene.gateway.close()
})

test('a stream that ends for want of usage tells what it is billed where usage was asked for', async () => {
  const gateway = await startGateway({ upstreamUrl: upstream.url })
  const streams = streaming(upstream)
  const asked = chat(
    gateway,
    saying('hi', { stream: true, stream_options: { include_usage: true } }),
  )
  const stream = await streams.next()
  stream.end(half, piece('', 'stop'), event('[DONE]'))
  const told = dataIn((await read(await asked).ended).text)
  expect(JSON.parse(told.at(-2)!)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 900, total_tokens: 903 },
  })
  await gateway.close()
})
