import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** Money coming into a wallet, from one origin. */
export interface Credit {
  /** What makes it unique, with kind and source: an order's id, or `<campaign>:<account>`. */
  readonly ref: string
  readonly kind: 'top_up' | 'promo' | 'adjustment'
  readonly source: `cash_in:${string}` | 'promo_expense' | 'house'
  readonly accountId: string
  /** nUSD, above zero. */
  readonly amount: NanoUsd
  /** Whether it may be paid out; a top-up always may. */
  readonly withdrawable: boolean
  readonly campaign?: string
  readonly expiresAt?: Date
}

export interface CreditAnswer {
  readonly ref: string
  /** Follows from ref, kind and source, so a replay names the same lot. */
  readonly lotId: string
  /** False where this ref had been credited before; then nothing moved, whatever else the call said. */
  readonly credited: boolean
  /** nUSD in the wallet now. */
  readonly posted: NanoUsd
  readonly clock: Date
}

/** Credits wallets, each ref once, however often it is called. */
export async function credit(
  database: Queryable,
  credits: readonly Credit[],
): Promise<CreditAnswer[]> {
  const { rows } = await database.query<CreditAnswer>(
    'select ref, lot_id as "lotId", credited, posted, clock from credit($1)',
    [asRows(credits)],
  )
  return rows
}
