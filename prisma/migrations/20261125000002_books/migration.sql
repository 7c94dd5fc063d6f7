-- Money in, once: lots named by what they are credited by, and campaigns that grant promo money within a budget.

-- A refund to two lots is two transfers, told apart by the lot they credit. The lot in the key costs nothing more:
-- a charge's lots are told apart by the debit, as before.
alter table transfer drop constraint transfer_pkey;
alter table transfer add primary key (ref, kind, debit, credit);

-- The lot a credit makes: derived from what it is credited by, so that crediting twice is the same lot and the same
-- transfer, whatever else the two calls say.
create function lot_of(ref text, kind text, source text) returns text language sql stable as $$
  select 'lot_00' || upper(left(encode(sha256(convert_to(jsonb_build_array(ref, kind, source)::text, 'UTF8')), 'hex'), 26))
$$;

-- Makes the wallets that are missing and locks all of these, in id order.
create function open_wallets(account_ids text[]) returns void language plpgsql as $$
begin
  insert into wallet (account_id) select distinct id from unnest(account_ids) as id order by id on conflict do nothing;
  perform lock_wallets(account_ids, true);
end $$;

-- Brings money in: a lot of one origin, against the ledger account it comes from. Idempotent by (ref, kind, source):
-- a top-up's ref is its order, a campaign's grant is `<campaign>:<account>`, so each is credited once; what a replay
-- says beside them changes nothing. What a customer paid in is withdrawable, whatever the call says.
--
-- credits: [{ref, kind: top_up | promo | adjustment, source: cash_in:<channel> | promo_expense | house, account_id,
--            amount, withdrawable, campaign, expires_at}]
drop function credit(jsonb);
create function credit(credits jsonb)
returns table (ref text, lot_id text, credited boolean, posted bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  places bigint[];
begin
  perform open_wallets(array(
    select c.account_id from jsonb_to_recordset(credits) as c (ref text, kind text, source text, account_id text)
    where not exists (select from transfer as t where t.ref = c.ref and t.kind = c.kind and t.debit = c.source)));

  with asked as (
    select distinct on (lot_id) c.*, lot_of(c.ref, c.kind, c.source) as lot_id
    from rows from (jsonb_to_recordset(credits) as (ref text, kind text, source text, account_id text, amount bigint,
        withdrawable boolean, campaign text, expires_at timestamptz)) with ordinality
        as c (ref, kind, source, account_id, amount, withdrawable, campaign, expires_at, place)
    -- Lots credited before they were named by their ref have other names.
    where not exists (select from transfer as t where t.ref = c.ref and t.kind = c.kind and t.debit = c.source)
    order by lot_id, place
  ), booked as (
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select ref, kind, source, lot_id, amount, account_id, at from asked
      on conflict do nothing
      returning credit
  ), lots as (
    insert into lot (id, account_id, origin, amount, remaining, withdrawable, campaign, expires_at, created_at)
      select a.lot_id, a.account_id, case a.kind when 'promo' then 'promo' else 'paid' end, a.amount, a.amount,
        a.withdrawable or a.kind = 'top_up', a.campaign, a.expires_at, at
      from asked as a join booked on booked.credit = a.lot_id
      returning account_id, amount
  ), raised as (
    update wallet set posted = wallet.posted + l.amount
      from (select account_id, sum(amount)::bigint as amount from lots group by account_id) as l
      where wallet.account_id = l.account_id
  )
  select array_agg(a.place) into places from asked as a join booked on booked.credit = a.lot_id;

  return query
    select c.ref, lot_of(c.ref, c.kind, c.source), coalesce(c.place = any (places), false), coalesce(wallet.posted, 0), at
    from rows from (jsonb_to_recordset(credits) as (ref text, kind text, source text, account_id text)) with ordinality
        as c (ref, kind, source, account_id, place)
      left join wallet on wallet.account_id = c.account_id
    order by c.place;
end $$;

-- What we give away, to whom it may concern once. `granted` is a projection of the grants' transfers, and the check
-- makes the budget hard.
create table campaign (
  id text collate "C" primary key check (id ~ '^[a-z0-9_-]{1,64}$'),
  -- nUSD of one grant.
  amount bigint not null check (amount > 0),
  withdrawable boolean not null default false,
  -- Days after its grant that a lot expires; null is never.
  valid_days int check (valid_days > 0),
  starts_at timestamptz(3) not null default now(),
  ends_at timestamptz(3),
  -- nUSD in all; null is no bound.
  budget bigint,
  granted bigint not null default 0 check (granted >= 0),
  constraint campaign_within_budget check (granted <= budget)
);

-- Grants promo money: each account once a campaign, as long as it runs and its budget reaches. Campaign rows are locked
-- last, in id order, after the wallets. Idempotent by campaign and account: a grant made before answers `already`,
-- whatever has become of the campaign; refused ones leave nothing.
--
-- grants:  [{campaign, account_id}]
-- outcome: granted | already | unknown_campaign | not_running | budget_spent
-- amount:  nUSD this account has been granted; 0 when refused.
create function grant_promo(grants jsonb)
returns table (campaign text, account_id text, outcome text, amount bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  ask record;
  ruling text;
  running text := '';
  room bigint;
  refs text[] := '{}';
  credits jsonb[] := '{}';
  outcomes text[] := '{}';
  amounts bigint[] := '{}';
  places bigint[] := '{}';
  given_campaigns text[] := '{}';
  given_amounts bigint[] := '{}';
begin
  perform open_wallets(array(
    select g.account_id from jsonb_to_recordset(grants) as g (campaign text, account_id text)
      join campaign on campaign.id = g.campaign));
  perform from campaign
    where id in (select g.campaign from jsonb_to_recordset(grants) as g (campaign text)) order by id for no key update;

  for ask in
    select g.campaign || ':' || g.account_id as ref, g.campaign, g.account_id, g.place, c.id, c.amount, c.withdrawable,
      at + c.valid_days * interval '24 hours' as expires_at, c.budget - c.granted as room,
      c.starts_at <= at and (c.ends_at is null or at < c.ends_at) as runs,
      (select t.amount from transfer as t
        where t.ref = g.campaign || ':' || g.account_id and t.kind = 'promo' and t.debit = 'promo_expense') as already
    from rows from (jsonb_to_recordset(grants) as (campaign text, account_id text)) with ordinality as g (campaign, account_id, place)
      left join campaign as c on c.id = g.campaign
    order by g.campaign, g.place
  loop
    if ask.campaign is distinct from running then
      running := ask.campaign; room := ask.room;
    end if;
    ruling := case
      when ask.id is null then 'unknown_campaign'
      when ask.already is not null or ask.ref = any (refs) then 'already'
      when not ask.runs then 'not_running'
      when room < ask.amount then 'budget_spent'
      else 'granted' end;
    if ruling = 'granted' then
      room := room - ask.amount;
      refs := refs || ask.ref;
      given_campaigns := given_campaigns || ask.campaign; given_amounts := given_amounts || ask.amount;
      credits := credits || jsonb_build_object('ref', ask.ref, 'kind', 'promo', 'source', 'promo_expense',
        'account_id', ask.account_id, 'amount', ask.amount, 'withdrawable', ask.withdrawable, 'campaign', ask.campaign,
        'expires_at', ask.expires_at);
    end if;
    outcomes := outcomes || ruling; places := places || ask.place;
    amounts := amounts || case when ruling in ('granted', 'already') then coalesce(ask.already, ask.amount) else 0 end;
  end loop;

  perform credit(to_jsonb(credits));
  update campaign set granted = campaign.granted + g.amount
    from (select campaign, sum(amount)::bigint as amount from unnest(given_campaigns, given_amounts) as g (campaign, amount)
        group by campaign) as g
    where campaign.id = g.campaign;

  return query
    select g.campaign, g.account_id, o.outcome, o.amount, at
    from rows from (jsonb_to_recordset(grants) as (campaign text, account_id text)) with ordinality as g (campaign, account_id, place)
      join unnest(outcomes, amounts, places) as o (outcome, amount, place) on o.place = g.place
    order by g.place;
end $$;
