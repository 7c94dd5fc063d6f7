import { startPostgres, type Postgres } from '@smartoken/prisma/postgres'
import { prepareDatabase } from '@smartoken/prisma/prepare'

/** A PostgreSQL that keeps what it has committed, and whose address outlives it. */
export interface RestartablePostgres {
  readonly url: string
  readonly port: number
  /** Whether it is up, as far as we know. */
  readonly up: boolean
  /** Its process, while it is up. */
  readonly pid: number
  /** Immediate shutdown, as `pg_ctl stop -m immediate`: no session is waited for, and the next start recovers. */
  crash(): Promise<void>
  /** Starts it again at the same address. */
  recover(): Promise<void>
  stop(): Promise<void>
}

/** Starts one over `folder`, with the schema and the prices in it. */
export async function startRestartablePostgres(folder: string): Promise<RestartablePostgres> {
  let postgres: Postgres = await startPostgres({ folder })
  await prepareDatabase(postgres.url)
  const { url } = postgres
  const port = Number(new URL(url).port)
  let up = true
  return {
    url,
    port,
    get up() {
      return up
    },
    get pid() {
      return postgres.pid
    },
    async crash() {
      up = false
      process.kill(postgres.pid, 'SIGQUIT')
      await postgres.ended
      await postgres.stop() // gives the folder free
    },
    async recover() {
      postgres = await startPostgres({ folder, port })
      up = true
    },
    stop: () => postgres.stop(),
  }
}
