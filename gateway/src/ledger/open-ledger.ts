import { hostname } from 'node:os'
import type { Pool } from '@smartoken/prisma/database'
import type { Logger } from 'pino'
import type { LedgerClock } from '../metering/ledger-clock.ts'
import { causeText } from '../telemetry/cause-text.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Refusals } from '../refusals.ts'
import { keepHouse } from './housekeeping.ts'
import { BatchingLedger, type Ledger } from './ledger.ts'
import { Contact } from './contact.ts'
import { HEARTBEAT_MS, LeaseKeeper } from './lease-keeper.ts'

export interface LedgerConfiguration {
  readonly databaseUrl: string
  readonly database: Pool
  readonly clock: LedgerClock
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly refusals: Refusals
  /** Shorter ones are for tests of what happens when they end. */
  readonly leaseMs?: number
  readonly heartbeatMs?: number
}

/** The ledger of a gateway process, and its lease. */
export interface OpenLedger {
  readonly ledger: Ledger
  /** Whether the database has answered lately. */
  readonly contact: Contact
  readonly lease: { readonly isHeld: boolean }
  readonly close: () => Promise<void>
}

/** Heartbeats that may be missed before a silent database counts as away. */
const MISSED_HEARTBEATS = 3

export async function openLedger(configuration: LedgerConfiguration): Promise<OpenLedger> {
  const { databaseUrl, database, clock, log, telemetry, refusals } = configuration
  const storeRefusals = () =>
    refusals
      .store(database, clock.now())
      .catch((error: unknown) => log.warn({ cause: causeText(error) }, 'refusals are not stored'))
  const contact = new Contact(MISSED_HEARTBEATS * (configuration.heartbeatMs ?? HEARTBEAT_MS))
  const lease = await LeaseKeeper.open({
    ...configuration,
    contact,
    process: `${hostname()}:${process.pid}`,
    housekeeping: async (epoch) => {
      await keepHouse(database, ledger, epoch)
      await storeRefusals()
    },
  })
  const ledger = new BatchingLedger({
    databaseUrl,
    epoch: () => lease.epoch,
    leaseLost: () => lease.confirm(),
    clock(read) {
      contact.heard()
      clock.set(read)
    },
    freeze(accountId, error) {
      telemetry.alert('account_frozen', { accountId, cause: error })
      void freeze(database, accountId, String(error)).catch((cause: unknown) =>
        telemetry.alert('account_not_frozen', { accountId, cause }),
      )
    },
    unanswered(error) {
      contact.failed()
      log.error({ cause: causeText(error) }, 'a batch went unanswered')
    },
    sent: (lane, calls, ms, answered) => telemetry.batchSent(lane, calls, ms, answered),
  })
  return {
    ledger,
    contact,
    lease,
    close: async () => {
      await storeRefusals()
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
