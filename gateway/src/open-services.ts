import { hostname } from 'node:os'
import { type Catalog, loadCatalog } from '@smartoken/prisma/catalog'
import { createPool, type Pool } from '@smartoken/prisma/database'
import { openLease, renewLease } from '@smartoken/prisma/ledger'
import { type Logger, pino } from 'pino'
import { upstreamConfiguration } from './env.ts'
import { createLedgerClock, type LedgerClock } from './metering/ledger-clock.ts'
import { closeUpstreams, openUpstreams, type Upstreams } from './upstreams/upstreams.ts'

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

const HEARTBEAT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 2_000

export interface GatewayOptions {
  readonly databaseUrl: string
  /** Where each provider's key and base URL are read from. */
  readonly env: NodeJS.ProcessEnv
  readonly logLevel: string
  /** Base URL of the sandbox that stands in for providers without a key. Development only. */
  readonly sandboxUrl?: string
  /** Connections to PostgreSQL. */
  readonly connections?: number
}

export interface OpenServices extends Services {
  /** Waits for requests in flight and their settles, then closes everything. */
  readonly close: () => Promise<void>
}

/** Opens what a gateway process needs: database, lease, catalog, upstreams. */
export async function openServices(options: GatewayOptions): Promise<OpenServices> {
  const catalog = loadCatalog()
  const database = createPool(options.databaseUrl, {
    max: options.connections ?? 8,
    applicationName: 'smartoken-gateway',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const upstreams = openUpstreams(
    catalog.providers.values(),
    upstreamConfiguration(options.env),
    options.sandboxUrl,
  )
  const log = pino({ level: options.logLevel })
  const epoch = await openLease(database, `${hostname()}:${process.pid}`)
  const heartbeat = setInterval(() => {
    renewLease(database, epoch).catch((error: unknown) =>
      log.warn({ error: String(error) }, 'no heartbeat'),
    )
  }, HEARTBEAT_MS).unref()
  const pending = new Set<Promise<unknown>>()
  return {
    database,
    catalog,
    upstreams,
    clock: createLedgerClock(),
    epoch,
    log,
    pending,
    close: async () => {
      clearInterval(heartbeat)
      while (pending.size > 0) await Promise.allSettled(pending)
      await closeUpstreams(upstreams)
      await database.end()
    },
  }
}
