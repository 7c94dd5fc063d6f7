import { type Catalog, loadCatalog } from '@smartoken/prisma/catalog'
import { createPool, type Pool } from '@smartoken/prisma/database'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { type Logger, pino } from 'pino'
import { upstreamConfiguration } from './env.ts'
import type { Ledger } from './ledger/ledger.ts'
import { openLedger } from './ledger/open-ledger.ts'
import { createLedgerClock, type LedgerClock } from './metering/ledger-clock.ts'
import { Notice } from './notice.ts'
import { RateLimits } from './rate-limits.ts'
import { Refusals } from './refusals.ts'
import { Drains, type DrainOptions } from './relay/drains.ts'
import { EDGE, type EdgeOptions } from './relay/slice-hold.ts'
import { logDestination } from './telemetry/log-destination.ts'
import { openTracesIfAsked } from './telemetry/open-traces.ts'
import { readinessOf, type NotReady } from './telemetry/readiness.ts'
import { Telemetry } from './telemetry/telemetry.ts'
import type { HealthOptions } from './routing/circuit.ts'
import { Health } from './routing/health.ts'
import { RetryBudget, type RetryOptions } from './routing/retry-budget.ts'
import { closeUpstreams, openUpstreams, type Upstreams } from './upstreams/upstreams.ts'

/** What a gateway process shares among its requests; built once, closed over. */
export interface Services {
  readonly database: Pool
  readonly catalog: Catalog
  readonly upstreams: Upstreams
  /** What is known of every key at every route. */
  readonly health: Health
  /** Attempts beyond the first that requests may have. */
  readonly retries: RetryBudget
  readonly clock: LedgerClock
  readonly ledger: Ledger
  readonly rateLimits: RateLimits
  readonly refusals: Refusals
  readonly log: Logger
  readonly telemetry: Telemetry
  /** What keeps this process from taking requests. */
  readonly notReady: () => readonly NotReady[]
  readonly drains: Drains
  readonly edge: EdgeOptions
  /** Given when the process has to stop: what goes on then is ended and charged as far as it came. */
  readonly stopping: Notice
  /** Work that must end before the process does: requests in flight, settles under way. */
  readonly pending: Set<Promise<unknown>>
}

const STATEMENT_TIMEOUT_MS = 2_000
/** What requests in flight get to end by themselves when the process is to stop. */
const GRACE_MS = 20_000

export interface GatewayOptions {
  readonly databaseUrl: string
  /** Where each provider's key and base URL are read from. */
  readonly env: NodeJS.ProcessEnv
  readonly logLevel: string
  /** Where lines go, in place of standard output, and spans, in place of what the variables say. */
  readonly logTo?: { readonly write: (line: string) => void }
  readonly spans?: SpanExporter
  /** Base URL of the sandbox that stands in for providers without a key. Development only. */
  readonly sandboxUrl?: string
  /** Connections to PostgreSQL. */
  readonly connections?: number
  /** Length of a lease and of the wait between heartbeats, ms; shorter ones are for tests of what happens then. */
  readonly leaseMs?: number
  readonly heartbeatMs?: number
  /** Other limits and waits are for tests, too. */
  readonly drains?: Partial<DrainOptions>
  readonly edge?: Partial<EdgeOptions>
  readonly health?: Partial<HealthOptions>
  readonly retries?: Partial<RetryOptions>
}

export interface OpenServices extends Services {
  /**
   * Waits for requests in flight and their settles, then closes everything. What is read on without a client is let go of
   * at once; what has not ended after the grace, ms, is ended.
   */
  readonly close: (graceMs?: number) => Promise<void>
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
  const log = pino({ level: options.logLevel }, options.logTo ?? logDestination())
  const closing = new Notice()
  const drains = new Drains(closing, options.drains)
  const traces = await openTracesIfAsked(options.env, options.spans)
  const telemetry = new Telemetry(log, { openDrains: () => drains.open }, traces)
  const clock = createLedgerClock()
  const refusals = new Refusals()
  const opened = await openLedger({ ...options, database, clock, log, telemetry, refusals })
  const pending = new Set<Promise<unknown>>()
  const stopping = new Notice()
  return {
    database,
    catalog,
    upstreams,
    health: new Health(options.health),
    retries: new RetryBudget(options.retries),
    clock,
    ledger: opened.ledger,
    rateLimits: new RateLimits(),
    refusals,
    log,
    telemetry,
    notReady: readinessOf(opened, closing),
    drains,
    edge: { ...EDGE, ...options.edge },
    stopping,
    pending,
    close: async (graceMs = GRACE_MS) => {
      closing.give()
      const grace = setTimeout(() => stopping.give(), graceMs)
      while (pending.size > 0) await Promise.allSettled(pending)
      clearTimeout(grace)
      await closeUpstreams(upstreams)
      await opened.close()
      await database.end()
      await telemetry.close()
    },
  }
}
