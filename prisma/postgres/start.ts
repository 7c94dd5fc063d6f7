import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { type Lock, takeLock } from '../process-lock.ts'
import { SUPERUSER, ensureCluster } from './cluster.ts'
import { PostgresFolderUnwritable, PostgresInUse } from './errors.ts'
import { createLauncher } from './launcher.ts'
import { stopOrphan } from './orphan.ts'
import { startServer } from './server.ts'

/** The database everything is kept in. */
const DATABASE = 'smartoken'

const MAX_CONNECTIONS = 200

const FORGETFUL = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // It may live in memory.
  max_wal_size: '256MB',
}

export interface PostgresOptions {
  /** Ours alone: data, log and lock are kept here. Made if absent. */
  readonly folder: string
  /** Told what takes time or is out of the ordinary, one sentence each. */
  readonly log?: (line: string) => void
  /** Only a throw-away cluster may say `false`: it loses everything when the machine stops. */
  readonly durable?: boolean
  readonly maxConnections?: number
  /** A free one unless said otherwise: one that others know from before. */
  readonly port?: number
}

/** A running embedded PostgreSQL. */
export interface Postgres {
  /** `postgresql://…@127.0.0.1:<port>/smartoken`, with the password in it: not for printing. */
  readonly url: string
  readonly pid: number
  /** Where data and log really are. */
  readonly home: string
  /** Resolves when the server is gone, stopped or not. */
  readonly ended: Promise<void>
  /** Fast shutdown; resolves when the server is gone and the folder free. */
  stop(): Promise<void>
}

/**
 * Starts the embedded PostgreSQL 18 over `folder`, on a port of 127.0.0.1 only. The first start sets the
 * cluster up. A server left behind by a killed process is stopped first.
 * @throws PostgresInUse while another living process uses the folder
 * @throws PostgresFolderUnwritable, PostgresDataUnusable, PostgresFailed: each says what to do
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { log = () => {}, durable = true } = options
  const { folder, lock } = occupy(options.folder)
  try {
    const launcher = await createLauncher(folder)
    const cluster = await ensureCluster(launcher, durable)
    const orphan = await stopOrphan(cluster.data)
    if (orphan !== undefined)
      log(`Stopped PostgreSQL (process ${orphan}) left over from a killed start.`)
    const server = await startServer(
      launcher,
      cluster.data,
      settings(options, durable),
      options.port,
    )
    const address = `${SUPERUSER}:${cluster.password}@127.0.0.1:${server.port}`
    try {
      await ensureDatabase(`postgresql://${address}/postgres`)
    } catch (error) {
      await server.stop()
      throw error
    }
    return {
      url: `postgresql://${address}/${DATABASE}`,
      pid: server.pid,
      home: launcher.home,
      ended: server.ended,
      stop: () => server.stop().finally(() => lock.release()),
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

function occupy(asked: string): { folder: string; lock: Extract<Lock, { held: true }> } {
  let lock: Lock
  try {
    mkdirSync(asked, { recursive: true, mode: 0o700 })
    lock = takeLock(join(asked, 'lock'))
  } catch (error) {
    throw new PostgresFolderUnwritable(asked, error as NodeJS.ErrnoException)
  }
  if (!lock.held) throw new PostgresInUse(asked, lock.pid)
  return { folder: realpathSync(asked), lock }
}

function settings(options: PostgresOptions, durable: boolean): Record<string, string> {
  return {
    max_connections: String(options.maxConnections ?? MAX_CONNECTIONS),
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : FORGETFUL),
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      DATABASE,
    ])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}
