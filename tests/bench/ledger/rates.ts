import type { TestAccount } from '../../support/accounts.ts'
import type { Bed } from './bed.ts'
import { batchedPair, transactionPair } from './pair.ts'

/** Requests in flight in a busy gateway, and connections of the transactions it is compared with. */
const IN_FLIGHT = 256
const CONNECTIONS = 16

const anyOf = (accounts: readonly TestAccount[]): TestAccount =>
  accounts[Math.floor(Math.random() * accounts.length)]!

/** Pairs of hold and settle a second, by one gateway's ledger. */
export async function batchedRate(bed: Bed, wallets: number, ms: number): Promise<number> {
  const ledger = await bed.ledger()
  const accounts = bed.accounts.slice(0, wallets)
  const rate = await rateOf(IN_FLIGHT, ms, () => batchedPair(ledger, anyOf(accounts)))
  ledger.close()
  return rate
}

/** Pairs of hold and settle a second, each in a transaction of its own. */
export async function transactionRate(bed: Bed, wallets: number, ms: number): Promise<number> {
  const accounts = bed.accounts.slice(0, wallets)
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => bed.pool.connect()))
  const rate = await rateOf(CONNECTIONS, ms, (worker) =>
    transactionPair(clients[worker]!, anyOf(accounts)),
  )
  for (const client of clients) client.release()
  return rate
}

/**
 * Pairs a second on one wallet while its request rows are exported from first to last, over and over: a page a
 * statement, so that no snapshot lives long.
 */
export async function exportedRate(bed: Bed, ms: number): Promise<number> {
  const stop = new AbortController()
  const exporting = exportOver(bed, stop.signal)
  const rate = await batchedRate(bed, 1, ms)
  stop.abort()
  await exporting
  return rate
}

async function exportOver({ pool, accounts }: Bed, signal: AbortSignal): Promise<void> {
  let after = ''
  while (!signal.aborted) {
    const { rows } = await pool.query<{ id: string }>(
      'select * from request where account_id = $1 and id > $2 order by id limit 500',
      [accounts[0]!.accountId, after],
    )
    after = rows.at(-1)?.id ?? ''
    // An export is written out to somebody: it does not read as fast as it can.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function rateOf(
  workers: number,
  ms: number,
  work: (worker: number) => Promise<unknown>,
): Promise<number> {
  const until = performance.now() + ms
  let done = 0
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (performance.now() < until) {
        await work(worker)
        done += 1
      }
    }),
  )
  return (done / ms) * 1_000
}
