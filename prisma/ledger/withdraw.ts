import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** Money of one lot, to be paid out. */
export interface Withdrawal {
  readonly ref: string
  readonly lotId: string
  readonly accountId: string
  /** nUSD, above zero. */
  readonly amount: NanoUsd
  /** By which it leaves: `stripe`, `crypto` … */
  readonly channel: string
}

export interface WithdrawalAnswer {
  readonly ref: string
  /** `not_withdrawable`: a lot that is not, is somebody else's, or does not exist. */
  readonly outcome: 'withdrawn' | 'replayed' | 'not_withdrawable' | 'account_frozen' | 'too_much'
  /** nUSD this ref paid out, now or before; where it is too much, what could be. */
  readonly amount: NanoUsd
  readonly clock: Date
}

/** Books what is paid out, each ref once, in the order asked for. What holds may need stays. */
export async function withdraw(
  database: Queryable,
  withdrawals: readonly Withdrawal[],
): Promise<WithdrawalAnswer[]> {
  const { rows } = await database.query<WithdrawalAnswer>(
    'select ref, outcome, amount, clock from withdraw($1)',
    [asRows(withdrawals)],
  )
  return rows
}
