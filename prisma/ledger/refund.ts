import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** Money back to those lots that paid for a request. */
export interface Refund {
  /** `<request id>:<name>`; the name `late` is the ledger's own. */
  readonly ref: string
  readonly requestId: string
  readonly accountId: string
  /** nUSD, above zero. */
  readonly amount: NanoUsd
}

export interface RefundAnswer {
  readonly ref: string
  /** `not_final`: its process may still settle the request; ask again ten minutes after it was given up. */
  readonly outcome: 'refunded' | 'replayed' | 'beyond_charge' | 'not_final' | 'no_request'
  /** nUSD this ref gave back, now or before; 0 when refused. */
  readonly refunded: NanoUsd
  readonly clock: Date
}

/**
 * Gives charges back, each ref once: to the lot taken last first, to each at most what it gave. One that would go beyond
 * what is left of its request's charge moves nothing. Caps keep counting what was spent.
 */
export async function refund(
  database: Queryable,
  refunds: readonly Refund[],
): Promise<RefundAnswer[]> {
  const { rows } = await database.query<RefundAnswer>(
    'select ref, outcome, refunded, clock from refund($1)',
    [asRows(refunds)],
  )
  return rows
}
