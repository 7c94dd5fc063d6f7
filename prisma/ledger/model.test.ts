import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { prepareHolds } from '../../tests/support/holds.ts'
import { Books, startClock } from '../../tests/support/model/books.ts'
import { launch, type Campaign } from '../../tests/support/model/calls.ts'
import { openings, steps, type World } from '../../tests/support/model/steps.ts'
import { ModelWallet } from '../../tests/support/model/wallet.ts'
import { reconcile } from './reconcile.ts'

/** Over as many databases as keep two cores busy: each has a clock of its own. */
const DATABASES = 4
const SEQUENCES_EACH = 500
const STEPS_AT_MOST = 30
const TIMEOUT_MS = 300_000

const BEGIN = Date.parse('2027-01-01T00:00:00Z')
const DAY_MS = 86_400_000
const DIME = 100_000_000n

/** `MODEL_SEED=<seed>` runs the sequences of a failure again: its message names the seed. */
const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() | 0)

const databases: TestDatabase[] = []

beforeAll(async () => {
  for (let at = 0; at < DATABASES; at += 1) databases.push(await createDatabase())
})

afterAll(async () => {
  for (const database of databases) await database.drop()
})

/** One of each kind. Their budgets are shared by all the sequences of a database. */
function campaigns(): Campaign[] {
  const terms = { amount: 3n * DIME, withdrawable: false, granted: 0n }
  const open = { validDays: undefined, endsAt: undefined, budget: undefined }
  return [
    { id: 'short', ...terms, ...open, validDays: 1 },
    { id: 'loose', ...terms, ...open, withdrawable: true },
    { id: 'bounded', ...terms, ...open, validDays: 2, budget: 180n * DIME - 1n },
    { id: 'ending', ...terms, ...open, endsAt: BEGIN + 200 * DAY_MS },
  ]
}

/** Where one database has diverged, the others need not go on. */
let diverged = false

async function compareSequences(database: TestDatabase, seed: number): Promise<void> {
  const session = await database.pool.connect()
  const running = campaigns()
  let now = BEGIN
  await startClock(session, now)
  await prepareHolds(session)
  await launch(session, running, new Date(BEGIN))

  const sequences = fc.noBias(fc.commands(steps, { maxCommands: STEPS_AT_MOST, size: 'max' }))
  const caps = fc.option(fc.integer({ min: 5, max: 80 }), { nil: undefined })
  const property = fc.asyncProperty(openings, sequences, caps, async (opening, sequence, cap) => {
    if (diverged) return
    const dimes = cap === undefined ? undefined : BigInt(cap) * DIME
    const books = await Books.open(session, dimes)
    const model = new ModelWallet(now, dimes)
    const { accountId } = books
    const world: World = { model, accountId, campaigns: running, requests: [], made: [] }
    try {
      for (const step of opening) await step.run(world, books)
      await fc.asyncModelRun(() => ({ model: world, real: books }), sequence)
      await books.die(false)
      deepStrictEqual(await reconcile(session, { accountId }), [])
    } finally {
      now = model.now
    }
  })
  try {
    await fc.assert(property, { numRuns: SEQUENCES_EACH, seed })
    expect(await reconcile(session)).toEqual([])
  } catch (error) {
    diverged = true
    throw error
  } finally {
    session.release()
  }
}

test(
  'the ledger does what a wallet in memory does, in 2,000 random sequences',
  async () => {
    const runs = databases.map((database, at) => compareSequences(database, SEED + at))
    expect(await Promise.all(runs)).toHaveLength(DATABASES)
  },
  TIMEOUT_MS,
)
