import { loadCatalog } from './catalog/index.ts'
import { createPool, type Pool } from './database.ts'
import { loadPrices } from './ledger/index.ts'
import { migrate } from './migrate.ts'

const STATEMENT_TIMEOUT_MS = 60_000

/**
 * Makes a database ready to serve: migrations, this month's partitions and the next ones, the catalog's prices.
 * Safe to run at every start, from several processes.
 *
 * @throws DatabaseUnreachable, MigrationFailed, MigrationEdited, CatalogError, PriceRefused: each says what to do
 */
export async function prepareDatabase(url: string): Promise<void> {
  const catalog = loadCatalog()
  await migrate(url)
  await withPool(url, async (pool) => {
    await pool.query('select ensure_partitions()')
    await loadPrices(pool, catalog)
  })
}

/** Lends one connection for a piece of work that is done once. */
export async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool(url, {
    max: 1,
    applicationName: 'smartoken-once',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  return work(pool).finally(() => pool.end())
}

if (import.meta.main) {
  const { getDatabaseUrl } = await import('./database-url.ts')
  await prepareDatabase(getDatabaseUrl()).catch((error: unknown) => {
    console.error((error as Error).message)
    process.exitCode = 1
  })
}
