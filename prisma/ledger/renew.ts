import type { NanoUsd } from '../money.ts'
import { settlementRow, type Settlement } from './settle.ts'
import { asRows, type Queryable } from './statement.ts'

/** More for a request that goes on. */
export interface Renewal {
  readonly requestId: string
  readonly accountId: string
  /** nUSD to be held in all; what is held is never lowered. */
  readonly total: NanoUsd
  /** Tokens held for in all, for token limits. */
  readonly tokens: number
  /** What is to be charged if this process is never heard of again. */
  readonly progress?: Settlement
}

export interface RenewAnswer {
  readonly requestId: string
  /** `short`: balance, caps or a stopped key allow no more than `amount`. */
  readonly outcome: 'renewed' | 'short' | 'no_hold' | 'busy'
  /** nUSD held now; null where there is no hold. */
  readonly amount: NanoUsd | null
  readonly clock: Date
}

/** Raises holds to a total, or as far as balance and caps allow. Asking twice is asking once. */
export async function renewHolds(
  database: Queryable,
  renewals: readonly Renewal[],
  { wait = true } = {},
): Promise<RenewAnswer[]> {
  const { rows } = await database.query<RenewAnswer>(
    'select request_id as "requestId", outcome, amount, clock from hold_renew($1, $2)',
    [asRows(renewals.map(renewalRow)), wait],
  )
  return rows
}

/** A renewal with its progress by the names of the request's columns. */
export const renewalRow = ({ progress, ...renewal }: Renewal) => ({
  ...renewal,
  ...(progress && { progress: settlementRow(progress) }),
})
