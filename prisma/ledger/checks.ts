/**
 * What reconciling compares, over the accounts after `$1` up to and with `$2`. Every query is one statement and so sees
 * one moment; each of its rows says what it compared: name, subject, account_id, expected, found (nUSD, or a count).
 */
export interface Check {
  readonly names: readonly string[]
  readonly query: string
}

const within = (alias: string) => `${alias}.account_id > $1 and ${alias}.account_id <= $2`

/** Every transfer of these accounts that moves a lot, from the lot's side. */
const lotEntries = `
  select account_id, credit as id, amount from transfer where ${within('transfer')} and credit like 'lot\\_%'
  union all
  select account_id, debit, -amount from transfer where ${within('transfer')} and debit like 'lot\\_%'`

const projections: Check[] = [
  {
    names: ['lot = its transfers'],
    query: `
      select 'lot = its transfers' as name, coalesce(lot.id, t.id) as subject, coalesce(lot.account_id, t.account_id) as account_id,
        coalesce(t.balance, 0) as expected, coalesce(lot.remaining, 0) as found
      from (select * from lot where ${within('lot')}) as lot
        full join (select account_id, id, sum(amount) as balance from (${lotEntries}) as entry group by 1, 2) as t
          on t.id = lot.id and t.account_id = lot.account_id`,
  },
  {
    names: ['wallet = its transfers', 'wallet = its lots'],
    query: `
      select v.name, coalesce(w.account_id, l.account_id, t.account_id) as subject,
        coalesce(w.account_id, l.account_id, t.account_id) as account_id, v.expected, coalesce(w.posted, 0) as found
      from (select * from wallet where ${within('wallet')}) as w
        full join (select account_id, sum(remaining) as remaining from lot where ${within('lot')} group by 1) as l
          on l.account_id = w.account_id
        full join (select account_id, sum(amount) as balance from (${lotEntries}) as entry group by 1) as t
          on t.account_id = coalesce(w.account_id, l.account_id)
        cross join lateral (values ('wallet = its transfers', coalesce(t.balance, 0)),
          ('wallet = its lots', coalesce(l.remaining, 0))) as v (name, expected)`,
  },
]

const holds: Check[] = [
  {
    names: ['held = its open holds', 'open holds counted'],
    query: `
      select v.name, coalesce(w.account_id, h.account_id) as subject, coalesce(w.account_id, h.account_id) as account_id,
        v.expected, v.found
      from (select * from wallet where ${within('wallet')}) as w
        full join (select account_id, sum(amount) as amount, count(*) as count from hold where ${within('hold')} group by 1) as h
          on h.account_id = w.account_id
        cross join lateral (values ('held = its open holds', coalesce(h.amount, 0), coalesce(w.held, 0)),
          ('open holds counted', coalesce(h.count, 0), coalesce(w.open_holds, 0))) as v (name, expected, found)`,
  },
  {
    names: ['key held = its open holds', 'key’s open holds counted'],
    query: `
      select v.name, coalesce(k.id, h.api_key_id) as subject, coalesce(k.account_id, h.account_id) as account_id,
        v.expected, v.found
      from (select * from api_key where ${within('api_key')}) as k
        full join (select account_id, api_key_id, sum(amount) as amount, count(*) as count from hold
            where ${within('hold')} group by 1, 2) as h
          on h.api_key_id = k.id and h.account_id = k.account_id
        cross join lateral (values ('key held = its open holds', coalesce(h.amount, 0), coalesce(k.held, 0)),
          ('key’s open holds counted', coalesce(h.count, 0), coalesce(k.open_holds, 0))) as v (name, expected, found)`,
  },
]

/** `<request id>:late` puts a provisional charge right: what it gives back was never charged. */
const requestTransfers = `
  select account_id, split_part(ref, ':', 1) as id,
    sum(case when kind = 'charge' then amount when kind = 'refund' and ref like '%:late' then -amount else 0 end) as charge,
    sum(case when kind = 'refund' and ref not like '%:late' then amount else 0 end) as refunded,
    sum(case when kind <> 'shortfall' then 0 when debit = 'house' then amount else -amount end) as shortfall
  from transfer where ${within('transfer')} and kind in ('charge', 'refund', 'shortfall') group by 1, 2`

const requests: Check[] = [
  {
    names: [
      'request charge = its transfers',
      'request refunded = its refunds',
      'request shortfall = its transfers',
    ],
    query: `
      select v.name, coalesce(r.id, t.id) as subject, coalesce(r.account_id, t.account_id) as account_id, v.expected, v.found
      from (select * from request where ${within('request')}) as r
        full join (${requestTransfers}) as t on t.id = r.id and t.account_id = r.account_id
        cross join lateral (values
          ('request charge = its transfers', coalesce(t.charge, 0), coalesce(r.charge, 0)),
          ('request refunded = its refunds', coalesce(t.refunded, 0), coalesce(r.refunded, 0)),
          ('request shortfall = its transfers', coalesce(t.shortfall, 0), coalesce(r.shortfall, 0))) as v (name, expected, found)`,
  },
  {
    names: ['charged only what was admitted', 'nothing due without usage'],
    query: `
      select v.name, r.id as subject, r.account_id, v.expected, v.found
      from request as r
        left join lease on lease.epoch = r.epoch
        left join price on price.id = r.price_id and price.model_id = r.model_id
        left join api_key as k on k.id = r.api_key_id and k.account_id = r.account_id
        cross join lateral (values
          ('charged only what was admitted',
            case when r.held > 0 and lease.epoch is not null and price.id is not null and k.id is not null then r.charge else 0 end, r.charge),
          ('nothing due without usage', 0, case when r.usage_source = 'none' then r.charge + r.shortfall + r.excused else 0 end)
        ) as v (name, expected, found)
      where ${within('r')}`,
  },
  {
    names: ['key spent = its charges'],
    query: `
      select 'key spent = its charges' as name, coalesce(k.id, r.api_key_id) as subject,
        coalesce(k.account_id, r.account_id) as account_id, coalesce(r.charge, 0) as expected, coalesce(k.spent_total, 0) as found
      from (select * from api_key where ${within('api_key')}) as k
        full join (select account_id, api_key_id, sum(charge) as charge from request where ${within('request')} group by 1, 2) as r
          on r.api_key_id = k.id and r.account_id = k.account_id`,
  },
]

/** The sign of everything that is stored. `found` is the lowest of them, or zero. */
const signs: Check = {
  names: ['nothing is negative'],
  query: `
    select 'nothing is negative' as name, subject, account_id, 0 as expected, found from (
      select account_id as subject, account_id, least(0, posted, held, posted - held, open_holds) as found
        from wallet where ${within('wallet')}
      union all select id, account_id, least(0, remaining, amount - remaining) from lot where ${within('lot')}
      union all select id, account_id, least(0, held, open_holds, spent_total, spent_daily, spent_monthly)
        from api_key where ${within('api_key')}
      union all select id, account_id, least(0, charge, shortfall, excused, refunded, charge - refunded, cost)
        from request where ${within('request')}) as stored`,
}

/** Holds of processes that are gone for longer than a lease and its grace: the sweeper should have settled them. */
const orphans = (leaseMs: number, graceMs: number): Check => ({
  names: ['no hold of the dead'],
  query: `
    select 'no hold of the dead' as name, hold.request_id as subject, hold.account_id, 0 as expected,
      case when lease.heartbeat_at > ledger_clock() - interval '${leaseMs + graceMs} ms'
          and coalesce(least(lease.ended_at, lease.swept_at) > ledger_clock() - interval '${graceMs} ms', true)
        then 0 else hold.amount end as found
    from hold left join lease on lease.epoch = hold.epoch
    where ${within('hold')}`,
})

/** The checks that go by account. */
export const accountChecks = (leaseMs: number, graceMs: number): readonly Check[] => [
  ...projections,
  ...holds,
  ...requests,
  signs,
  orphans(leaseMs, graceMs),
]

/** What belongs to no account: few rows, one statement each. */
export const houseChecks: readonly Check[] = [
  {
    names: ['campaign granted = its grants'],
    query: `
      select 'campaign granted = its grants' as name, campaign.id as subject, null as account_id, t.amount as expected,
        campaign.granted as found
      from campaign cross join lateral (select coalesce(sum(amount), 0) as amount from transfer
        where ref >= campaign.id || ':' and ref < campaign.id || ';' and kind = 'promo' and debit = 'promo_expense') as t`,
  },
  {
    names: ['a lot’s transfer names its account'],
    query: `
      select 'a lot’s transfer names its account' as name, ref as subject, null as account_id, 0 as expected,
        case when debit like 'lot\\_%' or credit like 'lot\\_%' then amount else 0 end as found
      from transfer where account_id is null`,
  },
]
