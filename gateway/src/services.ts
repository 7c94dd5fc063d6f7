import type { Catalog } from '@smartoken/prisma/catalog'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { LedgerClock } from './metering/ledger-clock.ts'
import type { Upstreams } from './upstreams/upstreams.ts'

/** What a gateway process shares among its requests; built once, closed over. */
export interface Services {
  readonly database: Pool
  readonly catalog: Catalog
  readonly upstreams: Upstreams
  readonly clock: LedgerClock
  /** This process's lease. */
  readonly epoch: bigint
  readonly log: Logger
  /** Work that must end before the process does: requests in flight, settles being retried. */
  readonly pending: Set<Promise<unknown>>
}
