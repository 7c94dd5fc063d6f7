-- Brings money in: a lot of one origin, against the ledger account it comes from. Idempotent by (ref, kind, source):
-- a top-up's ref is its order, a campaign's grant is `<campaign>:<account>`, so each is credited once.
--
-- credits: [{ref, kind: top_up | promo | adjustment, source: cash_in:<channel> | promo_expense | house, account_id, lot_id,
--            amount, withdrawable, campaign, expires_at}]
create function credit(credits jsonb)
returns table (ref text, credited boolean, posted bigint, clock timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  refs text[];
begin
  insert into wallet (account_id)
    select distinct c ->> 'account_id' from jsonb_array_elements(credits) as c order by 1
    on conflict do nothing;
  perform lock_wallets(array(select distinct c ->> 'account_id' from jsonb_array_elements(credits) as c), true);

  with new as (
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select c.ref, c.kind, c.source, c.lot_id, c.amount, c.account_id, at
      from jsonb_to_recordset(credits) as c (ref text, kind text, source text, account_id text, lot_id text, amount bigint)
      on conflict do nothing
      returning ref, credit
  ), lots as (
    insert into lot (id, account_id, origin, amount, remaining, withdrawable, campaign, expires_at, created_at)
      select c.lot_id, c.account_id, case c.kind when 'promo' then 'promo' else 'paid' end, c.amount, c.amount,
        c.withdrawable, c.campaign, c.expires_at, at
      from jsonb_to_recordset(credits) as c (ref text, kind text, account_id text, lot_id text, amount bigint,
          withdrawable boolean, campaign text, expires_at timestamptz)
        join new on new.ref = c.ref and new.credit = c.lot_id
      returning account_id, amount
  ), raised as (
    update wallet set posted = wallet.posted + l.amount
      from (select account_id, sum(amount) as amount from lots group by account_id) as l
      where wallet.account_id = l.account_id
  )
  select array_agg(ref) into refs from new;

  return query
    select c.ref, coalesce(c.ref = any (refs), false), wallet.posted, at
    from jsonb_to_recordset(credits) as c (ref text, account_id text) join wallet on wallet.account_id = c.account_id;
end $$;
