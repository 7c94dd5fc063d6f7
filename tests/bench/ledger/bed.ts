import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchingLedger } from '@smartoken/gateway/ledger'
import { createPool, type Pool } from '@smartoken/prisma/database'
import { credit } from '@smartoken/prisma/ledger'
import { migrate } from '@smartoken/prisma/migrate'
import { usd } from '@smartoken/prisma/money'
import { startPostgres } from '@smartoken/prisma/postgres'
import { createAccount, type TestAccount } from '../../support/accounts.ts'
import { prepareHolds } from '../../support/holds.ts'
import { batchedPair } from './pair.ts'

const WALLETS = 1_000
const WARM_UPS = 10

/** What the ledger is measured on: PostgreSQL with fsync, and wallets with everything on that costs time. */
export interface Bed {
  readonly pool: Pool
  readonly accounts: readonly TestAccount[]
  /** A gateway's ledger of its own, that has run for a moment: PostgreSQL plans a connection's first statements anew. */
  ledger(): Promise<BatchingLedger>
  close(): Promise<void>
}

/** 1,000 wallets with promo and paid money, each with one key that has limits and caps. */
export async function makeBed(): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'smartoken-bench-'))
  const postgres = await startPostgres({ folder, durable: true })
  await migrate(postgres.url)
  const pool = createPool(postgres.url, {
    max: 24,
    applicationName: 'bench',
    statementTimeoutMs: 30_000,
  })
  await pool.query('select ensure_partitions()')
  await prepareHolds(pool)
  const accounts = await Promise.all(
    Array.from({ length: WALLETS }, () => createAccount(pool, { balance: '100000' })),
  )
  await addPromo(pool, accounts)
  await addLimits(pool)
  await pool.query('vacuum analyze')
  return {
    pool,
    accounts,
    async ledger() {
      const ledger = openLedger(postgres.url)
      for (let turn = 0; turn < WARM_UPS; turn += 1)
        await Promise.all(accounts.slice(-50).map((account) => batchedPair(ledger, account)))
      return ledger
    },
    async close() {
      await pool.end()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const openLedger = (databaseUrl: string): BatchingLedger =>
  new BatchingLedger({
    databaseUrl,
    epoch: () => 1n,
    leaseLost: () => Promise.reject(new Error('a bench has one lease')),
    freeze: (_accountId, error) => {
      throw error
    },
    clock: () => {},
    unanswered: (error) => console.error(`A batch went unanswered: ${error.message}`),
    sent: () => {},
  })

const addPromo = (pool: Pool, accounts: readonly TestAccount[]) =>
  credit(
    pool,
    accounts.map(({ accountId }) => ({
      ref: `bench:${accountId}`,
      kind: 'promo',
      source: 'promo_expense',
      accountId,
      amount: usd('5'),
      withdrawable: false,
      campaign: 'bench',
      expiresAt: new Date('2030-01-01'),
    })),
  )

/** Limits that are checked and counted, and never reached. */
async function addLimits(pool: Pool): Promise<void> {
  const limits =
    'requests_per_minute = 100000000, tokens_per_minute = 2000000000, concurrent_requests = 100000'
  await pool.query(`update account set ${limits}`)
  await pool.query(
    `update api_key set ${limits}, cap_daily = 1000000000000000, cap_monthly = 1000000000000000`,
  )
}
