import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { loadCatalog } from '@smartoken/prisma/catalog'
import { loadPrices, reconcile } from '@smartoken/prisma/ledger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount, type TestAccount } from '../support/accounts.ts'
import { ending, piece } from '../support/answers.ts'
import { openSocket, saying, wireOf } from '../support/chat.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import {
  startMeasuredGateway,
  type Figures,
  type MeasuredGateway,
} from '../support/measured-gateway.ts'
import { until } from '../support/until.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const STREAMS = 5_000
const AT_ONCE = 100
/** One that stops billing when it is cancelled, one that is read on. */
const MODELS = ['deepseek-chat', 'qwen-plus']
const PIECES = 8
const USAGE = { prompt_tokens: 9, completion_tokens: 40 }
/** Of the heap for all of them: less than a kilobyte each. */
const MOST_HEAP_GROWTH = 4 << 20

const seed = Number(process.env['LEAKS_SEED'] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)

let database: TestDatabase
let upstream: TestUpstream
let gateway: MeasuredGateway
let accounts: readonly TestAccount[]

beforeAll(async () => {
  database = await createDatabase()
  await database.pool.query('select ensure_partitions()')
  await loadPrices(database.pool, loadCatalog())
  accounts = await Promise.all(
    Array.from({ length: 20 }, () => createAccount(database.pool, { balance: '100' })),
  )
  upstream = await startUpstream()
  upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let sent = 0; sent < PIECES && !out.destroyed; sent += 1) {
      out.write(piece(`piece ${sent} 你好 `))
      await wait(1)
    }
    out.end(ending(USAGE))
  })
  gateway = await startMeasuredGateway({ databaseUrl: database.url, upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.kill()
  await upstream.close()
  await database.drop()
})

/** Mulberry32: the same numbers from 0 to 1 for the same seed. */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const whole = (of: number): number => Math.floor(random() * of)

/** One client that leaves: within its request, before the head, somewhere in the answer, or at its very end. */
async function abortOne(): Promise<void> {
  const account = accounts[whole(accounts.length)]!
  const target = { url: gateway.url, secret: account.secret }
  const wire = wireOf(target, saying('hi', { model: MODELS[whole(MODELS.length)], stream: true }))
  const point = random()
  const leaves = random() < 0.5 ? 'resetAndDestroy' : 'destroy'
  if (point < 0.05) {
    const socket = openSocket(target, wire.slice(0, 1 + whole(wire.length - 1)))
    await once(socket, 'connect')
    await wait(whole(5))
    socket[leaves]()
    return
  }
  const socket = openSocket(target, wire)
  const closed = once(socket, 'close')
  if (point < 0.25) {
    await once(socket, 'connect')
    await wait(whole(10))
  } else await received(socket, point < 0.9 ? 1 + whole(2_000) : Infinity)
  socket[leaves]()
  await closed
}

/** Resolves when so many bytes have come, or the stream's last ones. */
function received(socket: ReturnType<typeof openSocket>, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let count = 0
    socket.on('data', (chunk: Buffer) => {
      count += chunk.length
      if (count >= bytes || chunk.includes('[DONE]')) resolve()
    })
    socket.once('close', () => resolve())
  })
}

/** Aborts so many, some at once. */
async function abort(streams: number): Promise<void> {
  let begun = 0
  const client = async () => {
    while (begun < streams) {
      begun += 1
      await abortOne()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
}

/** Figures of a gateway without a request: connections to the database, and what waits on them, are all there is. */
const atMost = (figures: Figures): boolean => {
  const { answers, requests, abortControllers, sockets, timers } = figures.alive
  return answers + requests + abortControllers === 0 && sockets <= 16 && timers <= 40
}

/** The figures once nothing is held any more and they are those of a gateway at rest; the last ones if they never are. */
async function atRest(): Promise<Figures> {
  await until(async () => (await database.pool.query('select from hold')).rows.length === 0)
  let figures = await gateway.measure()
  await until(async () => atMost(figures) || void (figures = await gateway.measure())).catch(
    () => {},
  )
  return figures
}

test(
  `of ${STREAMS} aborted streams nothing is left (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    await abort(500) // so that what is made once has been made
    const before = await atRest()
    await abort(STREAMS)
    const after = await atRest()
    expect(after.alive).toEqual({
      answers: 0,
      requests: 0,
      abortControllers: 0,
      sockets: expect.toSatisfy((count: number) => count <= 16),
      timers: expect.toSatisfy((count: number) => count <= 40),
    })
    expect(after.listeners).toBe(before.listeners)
    expect(after.warnings).toEqual([])
    expect(after.heapUsed - before.heapUsed).toBeLessThan(MOST_HEAP_GROWTH)

    const { rows } = await database.pool.query<{ outcome: string }>(
      'select distinct outcome from request',
    )
    expect(rows.map(({ outcome }) => outcome).toSorted()).toEqual([
      'client_left',
      'client_left_before_output',
      'client_left_drained',
      'completed',
    ])
    expect(await reconcile(database.pool)).toEqual([])
  },
)
