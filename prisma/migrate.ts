import { fileURLToPath } from 'node:url'
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg'
import { type Client, Pool } from 'pg'
import { connect } from './migrate/database-unreachable.ts'
import { MigrationEdited, MigrationFailed } from './migrate/migration-failed.ts'
import { type Migration, readMigrations } from './migrate/read-migrations.ts'
import { openSchemaEngine } from './migrate/schema-engine.ts'

export { DatabaseUnreachable } from './migrate/database-unreachable.ts'
export { MigrationEdited, MigrationFailed } from './migrate/migration-failed.ts'

const FOLDER = fileURLToPath(new URL('migrations', import.meta.url))

/** Processes that migrate one database wait for each other on this number, which is nobody else's. */
const ADVISORY_LOCK = '5304117733'
const LOCK_WAIT_MS = 120_000

const FILTERS = { externalTables: [], externalEnums: [] }

/**
 * Applies what is new in prisma/migrations and returns the names applied. Safe to run from several processes.
 * Each file is one transaction unless it says otherwise.
 * @throws DatabaseUnreachable
 * @throws MigrationFailed naming file and line; the next run tries that file again
 * @throws MigrationEdited if an applied file was changed afterwards
 */
export async function migrate(url: string, folder = FOLDER): Promise<string[]> {
  const migrations = readMigrations(folder)
  const guard = await connect(url)
  try {
    await guard.query(`set lock_timeout = ${LOCK_WAIT_MS}`)
    await guard.query(`select pg_advisory_lock(${ADVISORY_LOCK})`)
    return await apply(url, migrations, guard)
  } finally {
    await guard.end()
  }
}

async function apply(
  url: string,
  migrations: readonly Migration[],
  guard: Client,
): Promise<string[]> {
  const pool = new Pool({ connectionString: url, max: 1, application_name: 'smartoken migrate' })
  pool.on('error', () => {})
  let cause: unknown
  const engine = await openSchemaEngine(pool, (error) => (cause = error))
  try {
    await rollBackUnfinished(engine, guard)
    await refuseEdited(engine, migrations)
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: listOf(migrations),
      filters: FILTERS,
    })
    return appliedMigrationNames
  } catch (error) {
    const [name] = await rollBackUnfinished(engine, guard)
    const failed = migrations.find((migration) => migration.name === name)
    throw failed ? new MigrationFailed(fileOf(failed.name), failed.script, cause ?? error) : error
  } finally {
    engine.free()
    await pool.end()
  }
}

/** Marks what failed, here or in a process that died on the way, so that it does not block the next run. */
async function rollBackUnfinished(engine: SchemaEngine, guard: Client): Promise<string[]> {
  const { rows: found } = await guard.query(
    `select 1 where to_regclass('_prisma_migrations') is not null`,
  )
  if (found.length === 0) return []
  const { rows } = await guard.query<{ name: string }>(
    `select migration_name as name from _prisma_migrations
     where finished_at is null and rolled_back_at is null order by started_at`,
  )
  for (const { name } of rows) await engine.markMigrationRolledBack({ migrationName: name })
  return rows.map(({ name }) => name)
}

async function refuseEdited(engine: SchemaEngine, migrations: readonly Migration[]): Promise<void> {
  const { editedMigrationNames } = await engine.diagnoseMigrationHistory({
    migrationsList: listOf(migrations),
    // Its shadow database would be the real one.
    optInToShadowDatabase: false,
    filters: FILTERS,
  })
  if (editedMigrationNames.length > 0) throw new MigrationEdited(editedMigrationNames.map(fileOf))
}

const fileOf = (name: string): string => `prisma/migrations/${name}/migration.sql`

const listOf = (migrations: readonly Migration[]) => ({
  baseDir: FOLDER,
  lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
  shadowDbInitScript: '',
  migrationDirectories: migrations.map(({ name, script }) => ({
    path: name,
    migrationFile: {
      path: 'migration.sql',
      content: { tag: 'ok' as const, value: script },
    },
  })),
})
