import { hostname } from 'node:os'
import type { Pool } from '@smartoken/prisma/database'
import type { Logger } from 'pino'
import type { LedgerClock } from '../metering/ledger-clock.ts'
import { keepHouse } from './housekeeping.ts'
import { BatchingLedger, type Ledger } from './ledger.ts'
import { LeaseKeeper } from './lease-keeper.ts'

export interface LedgerConfiguration {
  readonly databaseUrl: string
  readonly database: Pool
  readonly clock: LedgerClock
  readonly log: Logger
  /** Shorter ones are for tests of what happens when they end. */
  readonly leaseMs?: number
  readonly heartbeatMs?: number
}

/** The ledger of a gateway process, and its lease. */
export async function openLedger(
  configuration: LedgerConfiguration,
): Promise<{ ledger: Ledger; close: () => Promise<void> }> {
  const { databaseUrl, database, clock, log } = configuration
  const lease = await LeaseKeeper.open({
    ...configuration,
    process: `${hostname()}:${process.pid}`,
    housekeeping: (epoch) => keepHouse(database, ledger, epoch),
  })
  const ledger = new BatchingLedger({
    databaseUrl,
    epoch: () => lease.epoch,
    leaseLost: () => lease.confirm(),
    clock: clock.set,
    freeze(accountId, error) {
      log.fatal({ accountId, error: String(error) }, 'the ledger cannot book a row: account frozen')
      void freeze(database, accountId, String(error)).catch((cause: unknown) =>
        log.fatal({ accountId, error: String(cause) }, 'account could not be frozen'),
      )
    },
    unanswered: (error) => log.error({ error: String(error) }, 'a batch went unanswered'),
  })
  return {
    ledger,
    close: async () => {
      await lease.close()
      ledger.close()
    },
  }
}

const freeze = (database: Pool, accountId: string, reason: string) =>
  database.query(
    `update account set frozen_at = ledger_clock(), frozen_reason = $2 where id = $1 and frozen_at is null`,
    [accountId, `ledger: ${reason}`],
  )
