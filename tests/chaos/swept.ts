import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from '@smartoken/prisma/database'
import type { ChaosOptions } from './options.ts'

/** A sweeper settles so many requests a heartbeat. */
const SWEPT_AT_ONCE = 100
const POLL_MS = 200
/** What a busy machine takes longer. */
const GRACE_MS = 15_000

/** Waits until nothing is held any more, or it would have to be: a lease until the dead are known, and one of the sweeper's own. */
export async function swept(database: Pool, { leaseMs, heartbeatMs }: ChaosOptions): Promise<void> {
  const held = async (): Promise<number> => (await database.query('select from hold')).rows.length
  const beats = Math.ceil((await held()) / SWEPT_AT_ONCE) + 2
  const until = Date.now() + 2 * leaseMs + beats * heartbeatMs + GRACE_MS
  while ((await held()) > 0 && Date.now() < until) await wait(POLL_MS)
}
