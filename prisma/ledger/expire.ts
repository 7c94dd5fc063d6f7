import type { NanoUsd } from '../money.ts'
import type { Queryable } from './statement.ts'

/** What one lot lost by expiring. */
export interface Expiry {
  readonly lotId: string
  readonly accountId: string
  /** nUSD. */
  readonly amount: NanoUsd
  readonly clock: Date
}

/**
 * Books expired promo money to breakage, of at most `most` lots, the longest expired first. What holds may need stays
 * until they are settled; locked wallets are left to the next run. Call it until it returns nothing.
 */
export async function expire(database: Queryable, { most = 500 } = {}): Promise<Expiry[]> {
  const { rows } = await database.query<Expiry>(
    'select lot_id as "lotId", account_id as "accountId", amount, clock from expire($1)',
    [most],
  )
  return rows
}
