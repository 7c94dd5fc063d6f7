import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGatewayListener } from '@smartoken/gateway'
import { startSandbox, type SandboxOptions } from '@smartoken/gateway/sandbox'
import { openServices, type OpenServices } from '@smartoken/gateway/services'
import { loadCatalog, type Catalog } from '@smartoken/prisma/catalog'
import { loadPrices, reconcile, type Break } from '@smartoken/prisma/ledger'
import { createAccount, type TestAccount } from './accounts.ts'
import { refuse } from './canary/findings.ts'
import { findInTold } from './canary/scan-told.ts'
import { watchServer } from './canary/watch-server.ts'
import { createDatabase, type TestDatabase } from './database.ts'
import { providersAt } from './providers.ts'
import { listen, type Told } from './told.ts'

export interface GatewayOptions {
  /** Dollars in the first account's wallet. */
  readonly balance?: string
  /** Base URL every provider is configured with, in place of the sandbox. */
  readonly upstreamUrl?: string
  readonly sandbox?: SandboxOptions
  /** Variables over those made from `upstreamUrl`, e.g. one provider's own `*_BASE_URL`. */
  readonly env?: NodeJS.ProcessEnv
  /** Puts something between the gateway and its database: takes the database's URL, returns the gateway's. */
  readonly reachDatabase?: (url: string) => string | Promise<string>
  /** Changes the catalog, e.g. gives a model a second route. */
  readonly catalog?: (loaded: Catalog) => Catalog
  /** What every upstream does with the bill of an answer that is let go of, in place of what is known of its provider. */
  readonly billsOnCancel?: 'stops' | 'continues'
  /** Watches what is said to the ledger. */
  readonly ledger?: (opened: OpenServices['ledger']) => OpenServices['ledger']
  readonly drains?: Parameters<typeof openServices>[0]['drains']
  readonly edge?: Parameters<typeof openServices>[0]['edge']
  /** How upstreams are judged. By default they are not: a test's upstream fails because it is told to. */
  readonly health?: Parameters<typeof openServices>[0]['health']
  /** Further attempts. By default there is no end to them. */
  readonly retries?: Parameters<typeof openServices>[0]['retries']
  readonly leaseMs?: number
  readonly heartbeatMs?: number
}

export interface Wallet {
  /** nUSD. */
  readonly posted: bigint
  readonly held: bigint
  readonly openHolds: number
}

/** A request as it is stored, by column name. */
export type RequestRow = Readonly<Record<string, unknown>> & {
  readonly charge: bigint
  readonly outcome: string
  readonly price_id: string
}

/** A listening gateway over a database and an upstream of its own, with one account in it. */
export interface TestGateway extends TestAccount, Omit<Told, 'destinations'> {
  /** Origin: `/v1/…` follows. */
  readonly url: string
  readonly database: TestDatabase['pool']
  readonly services: OpenServices
  wallet(of?: { accountId: string }): Promise<Wallet>
  requestRow(id: string): Promise<RequestRow>
  newAccount(options?: { balance?: string }): Promise<TestAccount>
  /** Resolves when no request is in flight and no settle is being retried. */
  quiet(): Promise<void>
  /** Where the books disagree, once quiet; open holds count as a break. */
  breaks(): Promise<(Break | { openHold: string })[]>
  /** @throws where it has told or sent a secret to where it does not belong */
  close(): Promise<void>
}

/** Starts a gateway on an ephemeral port; $10 in the account unless said otherwise. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const testDatabase = await createDatabase()
  const { pool } = testDatabase
  await pool.query('select ensure_partitions()')
  const catalog = options.catalog?.(loadCatalog()) ?? loadCatalog()
  await loadPrices(pool, catalog)
  const sandbox = options.upstreamUrl ? undefined : await startSandbox(options.sandbox)
  const told = listen(options.env)
  const opened = await openServices({
    databaseUrl: (await options.reachDatabase?.(testDatabase.url)) ?? testDatabase.url,
    env: { ...providersAt(catalog, options.upstreamUrl), ...options.env },
    ...told.destinations,
    sandboxUrl: sandbox?.url,
    drains: options.drains,
    edge: options.edge,
    health: options.health ?? NOT_JUDGED,
    retries: options.retries ?? { least: Infinity },
    leaseMs: options.leaseMs,
    heartbeatMs: options.heartbeatMs,
  })
  let closed: Promise<void> | undefined
  const services = {
    ...opened,
    // A test may have closed it already.
    close: (graceMs?: number) => (closed ??= opened.close(graceMs)),
    catalog,
    ledger: options.ledger?.(opened.ledger) ?? opened.ledger,
    upstreams: billing(opened.upstreams, options.billsOnCancel),
  }
  const server = createServer(createGatewayListener(services))
  const sent = watchServer(server, 'what a client was sent')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const newAccount = ({ balance = '10' }: { balance?: string } = {}) =>
    createAccount(pool, balance === '0' ? {} : { balance })
  const account = await newAccount(options)

  return {
    ...account,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    database: pool,
    services,
    ...told,
    async wallet({ accountId } = account) {
      const { rows } = await pool.query<Wallet>(
        'select posted, held, open_holds as "openHolds" from wallet where account_id = $1',
        [accountId],
      )
      return rows[0]!
    },
    async requestRow(id) {
      const { rows } = await pool.query<RequestRow>('select * from request where id = $1', [id])
      if (!rows[0]) throw new Error(`no request ${id} has been settled`)
      return rows[0]
    },
    newAccount,
    quiet: () => quiet(services),
    async breaks() {
      await quiet(services)
      const { rows } = await pool.query<{ openHold: string }>(
        'select request_id as "openHold" from hold',
      )
      return [...rows, ...(await reconcile(pool))]
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await services.close()
      await sandbox?.close()
      const findings = [...sent, ...(await findInTold(told, services.telemetry))]
      await testDatabase.drop()
      refuse(findings)
    },
  }
}

/** Nothing an upstream does keeps the next request from it. */
const NOT_JUDGED = {
  leastFailures: Infinity,
  restMs: [0],
  probeMs: 0,
  rateMs: 0,
  mostBenchMs: 0,
  oursMs: 0,
}

function billing(
  upstreams: OpenServices['upstreams'],
  onCancel: GatewayOptions['billsOnCancel'],
): OpenServices['upstreams'] {
  if (!onCancel) return upstreams
  const billsOnCancel = { stream: onCancel, plain: onCancel }
  return new Map(
    [...upstreams].map(([id, keys]) => [id, keys.map((key) => ({ ...key, billsOnCancel }))]),
  )
}

async function quiet({ pending }: OpenServices): Promise<void> {
  while (pending.size > 0) await Promise.allSettled(pending)
}
