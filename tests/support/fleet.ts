import { loadCatalog } from '@smartoken/prisma/catalog'
import { createPool, type Pool } from '@smartoken/prisma/database'
import { loadPrices, reconcile, type Break } from '@smartoken/prisma/ledger'
import { createAccount, type TestAccount } from './accounts.ts'
import { createDatabase } from './database.ts'
import type { RequestRow } from './gateway.ts'
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'
import { until } from './until.ts'

/** Short enough to wait for, long enough for a busy machine's heartbeats. */
export const LEASE_MS = 2_000
const HEARTBEAT_MS = 200

/** Several gateways, each a process, over one database and one upstream. */
export interface Fleet {
  readonly gateways: readonly GatewayProcess[]
  readonly upstream: TestUpstream
  readonly database: Pool
  newAccount(): Promise<TestAccount>
  /** The row of a request, as soon as it is settled. */
  settled(requestId: string): Promise<RequestRow>
  /** Where the books disagree, as soon as nothing is held any more. */
  breaks(): Promise<Break[]>
  stop(): Promise<void>
}

/** Starts so many gateways; by default over a database of their own. */
export async function startFleet(size: number, databaseUrl?: string): Promise<Fleet> {
  const own = databaseUrl === undefined ? await createDatabase() : undefined
  const url = databaseUrl ?? own!.url
  const database =
    own?.pool ?? createPool(url, { max: 4, applicationName: 'test', statementTimeoutMs: 10_000 })
  if (own) {
    await database.query('select ensure_partitions()')
    await loadPrices(database, loadCatalog())
  }
  const upstream = await startUpstream()
  const options = {
    databaseUrl: url,
    upstreamUrl: upstream.url,
    leaseMs: LEASE_MS,
    heartbeatMs: HEARTBEAT_MS,
  }
  const gateways = await Promise.all(
    Array.from({ length: size }, () => startGatewayProcess(options)),
  )
  return {
    gateways,
    upstream,
    database,
    newAccount: () => createAccount(database, { balance: '10' }),
    settled: (requestId) =>
      until(async () => {
        const { rows } = await database.query<RequestRow>('select * from request where id = $1', [
          requestId,
        ])
        return rows[0]
      }),
    async breaks() {
      await until(async () => (await database.query('select from hold')).rows.length === 0)
      return reconcile(database)
    },
    async stop() {
      await Promise.all(gateways.map((gateway) => gateway.kill()))
      await upstream.close()
      await (own ? own.drop() : database.end())
    },
  }
}
