import type { Queryable } from './statement.ts'

/** Without a heartbeat for so long, a process is taken for dead. */
export const LEASE_MS = 60_000

export interface Swept {
  /** Processes given up by this run. */
  readonly epochs: bigint
  /** Requests settled for the dead, at the progress they last reported. */
  readonly requests: bigint
}

/**
 * Settles what dead processes left behind, provisionally. Only for a caller that has itself seen the database up for a
 * whole lease: before, a silent process may only have been unable to speak.
 */
export async function sweep(
  database: Queryable,
  { leaseMs = LEASE_MS, most = 100 } = {},
): Promise<Swept> {
  const { rows } = await database.query<Swept>(
    `select epochs, requests from sweep($1 * interval '1 millisecond', $2)`,
    [leaseMs, most],
  )
  return rows[0]!
}
