import { expire, type Queryable } from '@smartoken/prisma/ledger'
import type { Ledger } from './ledger.ts'
import { releaseOf } from './release.ts'

/** What each heartbeat does for the ledger as a whole, whichever process does it. */
export async function keepHouse(database: Queryable, ledger: Ledger, epoch: bigint): Promise<void> {
  await giveBackUnknown(database, ledger, epoch)
  await expire(database)
  await database.query('select forget_idempotency_keys(), forget_refusals()')
}

/**
 * Gives back what the database holds for this process and the process knows nothing of: an opening whose answer was
 * lost, after its caller had been refused. A call that is under way is at most seconds old.
 */
export async function giveBackUnknown(
  database: Queryable,
  ledger: Ledger,
  epoch: bigint,
): Promise<void> {
  const { rows } = await database.query<{ requestId: string; accountId: string }>(
    `select request_id as "requestId", account_id as "accountId" from hold
       where epoch = $1 and opened_at < ledger_clock() - interval '10 seconds'`,
    [epoch],
  )
  const unknown = rows.filter(({ requestId }) => !ledger.isLive(requestId))
  await Promise.allSettled(unknown.map((hold) => ledger.settle(releaseOf(hold))))
}
