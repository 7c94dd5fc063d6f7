/** `npm run chaos`: gateways and PostgreSQL die under load, again and again; then every request is held against the truth. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from '@smartoken/prisma/database'
import { startRestartablePostgres } from '../support/restartable-postgres.ts'
import { openAccounts } from './accounts.ts'
import { readBooks } from './books.ts'
import { runFaults, type FaultCounts } from './faults.ts'
import { Gateways } from './gateways.ts'
import { Load } from './load.ts'
import { readOptions, type ChaosOptions } from './options.ts'
import { printProgress, printVerdict } from './print.ts'
import { randomOf } from './random.ts'
import { casesOf } from './truth.ts'
import { startChaosUpstream } from './upstream.ts'
import { swept } from './swept.ts'
import { watchHolds } from './watch.ts'

/** How to end what was started, in order of starting. */
const started: (() => unknown)[] = []

async function endAll(): Promise<void> {
  for (const end of started.splice(0).toReversed()) await end()
}

const options = readOptions(process.argv.slice(2))
console.log(`Chaos with seed ${options.seed}:`, JSON.stringify(options))
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endAll().finally(() => process.exit(130)))
try {
  process.exitCode = (await run(options)) ? 0 : 1
} finally {
  await endAll()
}

/** Resolves to whether everything held. */
async function run(options: ChaosOptions): Promise<boolean> {
  const random = randomOf(String(options.seed))
  const folder = mkdtempSync(join(tmpdir(), 'smartoken-chaos-'))
  started.push(() => rmSync(folder, { recursive: true, force: true }))
  const postgres = await startRestartablePostgres(folder)
  started.push(() => postgres.stop())
  const database = createPool(postgres.url, {
    max: 4,
    applicationName: 'chaos',
    statementTimeoutMs: 30_000,
  })
  started.push(() => database.end())
  await watchHolds(database)
  const accounts = await openAccounts(database)
  const upstream = await startChaosUpstream((id) => load.plans.get(id)!)
  started.push(() => upstream.close())
  const gateways = await Gateways.start(options.gateways, {
    databaseUrl: postgres.url,
    upstreamUrl: upstream.url,
    leaseMs: options.leaseMs,
    heartbeatMs: options.heartbeatMs,
    logLevel: 'fatal',
  })
  started.push(() => gateways.kill())

  const enough = new AbortController()
  const { signal } = enough
  const load = new Load({ options, random, gateways, accounts, database, signal })
  const faults: FaultCounts = { kill: 0, sleep: 0, restart: 0, outage: 0 }
  const progress = printProgress(load, faults)
  const asked = load.run()
  await runFaults(
    { options, random, gateways, postgres, progress: () => load.admitted, signal },
    faults,
  )
  await load.reaches(options.requests)
  enough.abort()
  await asked
  await swept(database, options)
  await gateways.stop()
  progress.stop()

  const books = await readBooks(database)
  const cases = casesOf(load, upstream, books, accounts)
  return printVerdict({ options, faults, gateways, books, cases })
}
