import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** Promo money for an account, once a campaign. */
export interface Grant {
  readonly campaign: string
  readonly accountId: string
}

export interface GrantAnswer {
  readonly campaign: string
  readonly accountId: string
  readonly outcome: 'granted' | 'already' | 'unknown_campaign' | 'not_running' | 'budget_spent'
  /** nUSD this account has been granted, now or before; 0 when refused. */
  readonly amount: NanoUsd
  readonly clock: Date
}

/**
 * Grants promo money, in the order asked for. Amount, expiry and whether it is withdrawable are the campaign's; its
 * budget is exact, however many ask at once. What was granted before answers `already`.
 */
export async function grantPromo(
  database: Queryable,
  grants: readonly Grant[],
): Promise<GrantAnswer[]> {
  const { rows } = await database.query<GrantAnswer>(
    'select campaign, account_id as "accountId", outcome, amount, clock from grant_promo($1)',
    [asRows(grants)],
  )
  return rows
}
