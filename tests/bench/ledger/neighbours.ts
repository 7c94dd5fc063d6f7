import { percentile } from '../statistics.ts'
import type { Bed } from './bed.ts'
import type { Trouble } from './conditions.ts'
import { batchedPair } from './pair.ts'
import { makeTrouble, TROUBLED } from './trouble.ts'

export interface HoldTimes {
  /** ms. */
  readonly p50: number
  readonly p99: number
}

/** How long holds of neighbours take that ask at an even rate, while others are quiet or make trouble. */
export async function holdTimes(
  bed: Bed,
  trouble: Trouble,
  { perSecond, ms }: { perSecond: number; ms: number },
): Promise<HoldTimes> {
  const ledger = await bed.ledger()
  const neighbours = bed.accounts.slice(TROUBLED)
  const end = await makeTrouble(bed, ledger, trouble)
  const times = await atRate(perSecond, ms, (turn) =>
    batchedPair(ledger, neighbours[turn % neighbours.length]!),
  )
  await end()
  ledger.close()
  return { p50: percentile(times, 50), p99: percentile(times, 99) }
}

/** p50 of the least a durable hold could take, ms: one statement that inserts one row, committed. */
export async function insertTimes({ pool }: Bed, perSecond: number, ms: number): Promise<number> {
  await pool.query('create table if not exists one_row (at timestamptz)')
  const times = await atRate(perSecond, ms, async () => {
    const began = performance.now()
    await pool.query('insert into one_row values (now())')
    return performance.now() - began
  })
  return percentile(times, 50)
}

/** Starts work at an even rate, however long it takes, and returns what each piece came to. */
async function atRate(
  perSecond: number,
  ms: number,
  work: (turn: number) => Promise<number>,
): Promise<number[]> {
  const running: Promise<number>[] = []
  const began = performance.now()
  for (let now = 0; now < ms; now = performance.now() - began) {
    const due = Math.floor((now / 1_000) * perSecond)
    while (running.length < due) running.push(work(running.length))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return Promise.all(running)
}
