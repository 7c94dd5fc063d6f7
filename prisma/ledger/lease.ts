import type { Queryable } from './statement.ts'

/** Registers a gateway process and returns its epoch, which every hold it opens carries. */
export async function openLease(database: Queryable, process: string): Promise<bigint> {
  const { rows } = await database.query<{ epoch: bigint }>(
    'insert into lease (process, heartbeat_at) values ($1, ledger_clock()) returning epoch',
    [process],
  )
  return rows[0]!.epoch
}

/** Says that the process of this epoch lives. False where it was given up meanwhile: its holds are no longer its own. */
export async function renewLease(database: Queryable, epoch: bigint): Promise<boolean> {
  const { rowCount } = await database.query(
    `update lease set heartbeat_at = ledger_clock()
       where epoch = $1 and ended_at is null and swept_at is null`,
    [epoch],
  )
  return rowCount === 1
}

/** Says that the process of this epoch has settled all it could; what it still holds is the sweeper's. */
export const endLease = async (database: Queryable, epoch: bigint): Promise<void> => {
  await database.query(
    'update lease set ended_at = ledger_clock() where epoch = $1 and ended_at is null',
    [epoch],
  )
}
