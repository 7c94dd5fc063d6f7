import type { BatchingLedger } from '@smartoken/gateway/ledger'
import type { Bed } from './bed.ts'
import type { Trouble } from './conditions.ts'
import { batchedPair } from './pair.ts'

/** The first so many wallets are those that make trouble. */
export const TROUBLED = 20
const HOT_IN_FLIGHT = 128
/** Neighbours are measured from then on. */
const WELL_UNDER_WAY_MS = 500

/** Makes it until the returned function is called, which resolves when it is over. */
export async function makeTrouble(
  bed: Bed,
  ledger: BatchingLedger,
  trouble: Trouble,
): Promise<() => Promise<void>> {
  if (trouble === 'quiet') return () => Promise.resolve()
  const unlock = trouble === 'locked' ? await lock(bed) : undefined
  const wallets = bed.accounts.slice(0, trouble === 'hot' ? 1 : TROUBLED)
  const over = new AbortController()
  const callers = Array.from({ length: HOT_IN_FLIGHT }, async (_, caller) => {
    // A caller of a locked wallet is refused after a second, and asks again.
    while (!over.signal.aborted)
      await batchedPair(ledger, wallets[caller % wallets.length]!).catch(() => {})
  })
  await new Promise((resolve) => setTimeout(resolve, WELL_UNDER_WAY_MS))
  return async () => {
    over.abort()
    await unlock?.()
    await Promise.all(callers)
  }
}

async function lock({ pool, accounts }: Bed): Promise<() => Promise<void>> {
  const client = await pool.connect()
  await client.query('begin')
  await client.query('set local idle_in_transaction_session_timeout = 0')
  await client.query('select from wallet where account_id = any ($1) for update', [
    accounts.slice(0, TROUBLED).map(({ accountId }) => accountId),
  ])
  return async () => {
    await client.query('rollback')
    client.release()
  }
}
