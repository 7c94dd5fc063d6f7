import type { Queryable } from './statement.ts'

/** One place where a projection or a request row disagrees with the transfers. */
export interface Break {
  readonly check: string
  readonly subject: string
  /** nUSD by the transfers (or the rows that should agree). */
  readonly expected: bigint
  /** nUSD as stored. */
  readonly found: bigint
}

/** What each check compares; every query returns only what disagrees. */
const checks: Readonly<Record<string, string>> = {
  'lot = its transfers': `
    select lot.id as subject, coalesce(t.balance, 0) as expected, lot.remaining as found
    from lot left join (
      select id, sum(amount)::bigint as balance from (
        select credit as id, amount from transfer where credit like 'lot\\_%'
        union all select debit, -amount from transfer where debit like 'lot\\_%') as entry group by id) as t using (id)
    where lot.remaining <> coalesce(t.balance, 0)`,
  'transfer has its lot': `
    select entry.id as subject, 0::bigint as expected, sum(amount)::bigint as found from (
      select credit as id, amount from transfer where credit like 'lot\\_%'
      union all select debit, amount from transfer where debit like 'lot\\_%') as entry
    where not exists (select from lot where lot.id = entry.id) group by entry.id`,
  'wallet = its lots': `
    select wallet.account_id as subject, coalesce(l.remaining, 0) as expected, wallet.posted as found
    from wallet left join (select account_id, sum(remaining)::bigint as remaining from lot group by account_id) as l using (account_id)
    where wallet.posted <> coalesce(l.remaining, 0)`,
  'held = its open holds': `
    select wallet.account_id as subject, coalesce(h.amount, 0) as expected, wallet.held as found
    from wallet left join (select account_id, sum(amount)::bigint as amount, count(*) as count from hold group by account_id) as h using (account_id)
    where wallet.held <> coalesce(h.amount, 0) or wallet.open_holds <> coalesce(h.count, 0)`,
  'key held = its open holds': `
    select api_key.id as subject, coalesce(h.amount, 0) as expected, api_key.held as found
    from api_key left join (select api_key_id as id, sum(amount)::bigint as amount, count(*) as count from hold group by 1) as h using (id)
    where api_key.held <> coalesce(h.amount, 0) or api_key.open_holds <> coalesce(h.count, 0)`,
  'request charge = its transfers': `
    select coalesce(request.id, t.ref) as subject, coalesce(t.amount, 0) as expected, coalesce(request.charge, 0) as found
    from (select id, charge from request where charge > 0) as request
      full join (select split_part(ref, ':', 1) as ref, sum(case kind when 'charge' then amount else -amount end)::bigint as amount
        from transfer
        -- A late settle of less than was charged provisionally gives the difference back: part of the charge, not a refund of it.
        where kind = 'charge' or (kind = 'refund' and ref like 'req\\_%:late') group by 1 having sum(case kind when 'charge' then amount else -amount end) > 0) as t on t.ref = request.id
    where coalesce(request.charge, -1) <> coalesce(t.amount, -1)`,
  'key spent = its charges': `
    select api_key.id as subject, coalesce(r.charge, 0) as expected, api_key.spent_total as found
    from api_key left join (select api_key_id as id, sum(charge)::bigint as charge from request group by 1) as r using (id)
    where api_key.spent_total <> coalesce(r.charge, 0)`,
}

/** Rebuilds every projection from the transfers and returns what disagrees; empty when the books are right. */
export async function reconcile(database: Queryable): Promise<Break[]> {
  const breaks: Break[] = []
  for (const [check, query] of Object.entries(checks)) {
    const { rows } = await database.query<Omit<Break, 'check'>>(query)
    breaks.push(...rows.map((row) => ({ check, ...row })))
  }
  return breaks
}
