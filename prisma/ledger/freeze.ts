import type { Break } from './reconcile.ts'
import type { Queryable } from './statement.ts'

/**
 * Freezes the accounts whose books do not agree: no new hold, no renewal, no withdrawal until a person has looked.
 * What is open settles. Returns the accounts that were not frozen before.
 */
export async function freezeAccounts(
  database: Queryable,
  breaks: readonly Break[],
): Promise<string[]> {
  const reasons = new Map(
    breaks.flatMap(({ accountId, check }) => (accountId ? [[accountId, check] as const] : [])),
  )
  const { rows } = await database.query<{ id: string }>(
    `update account set frozen_at = ledger_clock(), frozen_reason = 'reconcile: ' || b.reason
       from unnest($1::text[], $2::text[]) as b (id, reason)
       where account.id = b.id and frozen_at is null returning account.id`,
    [[...reasons.keys()], [...reasons.values()]],
  )
  return rows.map(({ id }) => id)
}
