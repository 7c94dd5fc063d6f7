import type { Queryable } from './statement.ts'

/** Registers a gateway process and returns its epoch, which every hold it opens carries. */
export async function openLease(database: Queryable, process: string): Promise<bigint> {
  const { rows } = await database.query<{ epoch: bigint }>(
    'insert into lease (process) values ($1) returning epoch',
    [process],
  )
  return rows[0]!.epoch
}

/** Says that the process of this epoch lives. */
export const renewLease = async (database: Queryable, epoch: bigint): Promise<void> => {
  await database.query('update lease set heartbeat_at = ledger_clock() where epoch = $1', [epoch])
}
