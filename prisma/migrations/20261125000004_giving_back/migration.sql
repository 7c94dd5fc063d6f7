-- Money back to a wallet, and out of it: refund, expire, withdraw. None takes what a hold may need: a lot gives at most
-- what the wallet has posted and not held.

alter table transfer drop constraint transfer_kind_check;
alter table transfer add constraint transfer_kind_check check (kind in
  ('top_up', 'promo', 'charge', 'shortfall', 'refund', 'expiry', 'withdrawal', 'fee', 'chargeback', 'adjustment'));

-- One withdrawal a ref, whatever lot or channel it names.
create unique index transfer_withdrawn_once on transfer (ref) where kind = 'withdrawal';

create index lot_to_expire on lot (expires_at) where not empty and expires_at is not null;

-- Gives (a part of) a request's charge back to the lots that paid it: the lot taken last first, each at most what it gave
-- and has not got back, so that promo money never becomes paid money or the other way round. All of a request's refunds
-- together are at most its charge; one that would exceed it moves nothing. Several of one request are decided in order.
-- Idempotent by ref: a replay answers what the first one gave, whatever else it says; refused ones leave nothing.
--
-- `<request id>:late` is hold_settle's own name, for what a late settle finds charged too much, and only while the
-- charge is provisional; all others wait until it no longer can be settled late, and by then end that for good.
--
-- refunds:  [{ref: `<request id>:<name>`, request_id, account_id, amount}]
-- outcome:  refunded | replayed | beyond_charge | not_final (its process may still settle it: ask again in 10 minutes) |
--           no_request
-- refunded: nUSD this ref gave back, 0 when refused
create function refund(refunds jsonb)
returns table (ref text, outcome text, refunded bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  locked constant text[] := lock_wallets(array(
    select distinct r.account_id from jsonb_to_recordset(refunds) as r (account_id text)), true);
  ask record;
  ruling text;
  request_at_hand text := '';
  room bigint;
  refs text[] := '{}';
  requests text[] := '{}';
  accounts text[] := '{}';
  amounts bigint[] := '{}';
  outcomes text[] := '{}';
  answers bigint[] := '{}';
  places bigint[] := '{}';
  given numeric;
begin
  for ask in
    select r.ref, r.request_id, r.amount, r.place, q.id, q.account_id, q.charge - q.refunded as room,
      case when r.ref = r.request_id || ':late' then q.provisional
        else not q.provisional or q.finished_at <= at - interval '10 minutes' end as its_time,
      (select sum(t.amount)::bigint from transfer as t where t.ref = r.ref and t.kind = 'refund') as before
    from rows from (jsonb_to_recordset(refunds) as (ref text, request_id text, account_id text, amount bigint))
        with ordinality as r (ref, request_id, account_id, amount, place)
      left join request as q on q.id = r.request_id and q.account_id = r.account_id and q.account_id = any (locked)
    order by r.request_id, r.place
  loop
    if ask.amount <= 0 or not starts_with(ask.ref, ask.request_id || ':') then
      raise exception 'refund % is not one of a request, or not above zero', ask.ref using errcode = 'invalid_parameter_value';
    end if;
    if ask.request_id is distinct from request_at_hand then
      request_at_hand := ask.request_id; room := ask.room;
    end if;
    ruling := case
      when ask.id is null then 'no_request'
      when ask.before is not null or ask.ref = any (refs) then 'replayed'
      when not ask.its_time then 'not_final'
      when ask.amount > room then 'beyond_charge'
      else 'refunded' end;
    if ruling = 'refunded' then
      room := room - ask.amount;
      refs := refs || ask.ref; requests := requests || ask.id;
      accounts := accounts || ask.account_id; amounts := amounts || ask.amount;
    end if;
    outcomes := outcomes || ruling; places := places || ask.place;
    answers := answers || case when ruling in ('refunded', 'replayed')
      then coalesce(ask.before, amounts[array_position(refs, ask.ref)]) else 0 end;
  end loop;

  -- What the lots of a request can get back and its refunds are laid end to end on one line; where they overlap, that
  -- much of the refund goes to that lot.
  with due as (
    select ref, request_id, account_id, amount, sum(amount) over (partition by request_id order by place) as until
    from unnest(refs, requests, accounts, amounts) with ordinality as r (ref, request_id, account_id, amount, place)
  ), booked as (
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select due.ref, 'refund', 'revenue', payer.lot_id,
        (least(due.until, payer.until) - greatest(due.until - due.amount, payer.until - payer.gave))::bigint, due.account_id, at
      from (select distinct request_id from due) as charged
        cross join lateral (
          select t.lot_id, t.gave, sum(t.gave) over (order by t.taken_at desc, t.taken_by desc, (lot.origin = 'paid') desc,
            lot.expires_at desc nulls first, lot.created_at desc, lot.id desc) as until
          from (select e.lot_id, sum(e.amount)::bigint as gave, max(e.at) as taken_at, max(e.ref) as taken_by
              from (
                select debit as lot_id, amount, at, ref from transfer
                  where ref >= charged.request_id and ref < charged.request_id || ';' and kind = 'charge'
                union all select credit, -amount, null, null from transfer
                  where ref >= charged.request_id and ref < charged.request_id || ';' and kind = 'refund') as e
              group by e.lot_id having sum(e.amount) > 0) as t
            join lot on lot.id = t.lot_id) as payer
        join due on due.request_id = charged.request_id
          and payer.until - payer.gave < due.until and due.until - due.amount < payer.until
      returning credit, amount
  ), returned as (
    update lot set remaining = lot.remaining + t.amount, empty = false
      from (select credit, sum(amount)::bigint as amount from booked group by credit) as t
      where lot.id = t.credit returning t.amount
  )
  select coalesce(sum(amount), 0) into given from returned;
  if given <> (select coalesce(sum(a), 0) from unnest(amounts) as a) then
    raise exception 'lots took back % nUSD for refunds of %', given, (select sum(a) from unnest(amounts) as a)
      using errcode = 'integrity_constraint_violation';
  end if;

  update request set refunded = request.refunded + r.amount, provisional = false
    from (select request_id, sum(amount)::bigint as amount from unnest(requests, amounts) as r (request_id, amount) group by request_id) as r
    where request.id = r.request_id;
  update wallet set posted = wallet.posted + r.amount
    from (select account_id, sum(amount)::bigint as amount from unnest(accounts, amounts) as r (account_id, amount) group by account_id) as r
    where wallet.account_id = r.account_id;

  return query
    select r.ref, a.outcome, a.refunded, at
    from rows from (jsonb_to_recordset(refunds) as (ref text)) with ordinality as r (ref, place)
      join unnest(outcomes, answers, places) as a (outcome, refunded, place) on a.place = r.place
    order by r.place;
end $$;

-- Books what has expired to breakage: at most what the wallet has free, the rest once its holds are settled. Looks at
-- `most` lots, the longest expired first, and passes over wallets that are locked or have nothing free. A lot's expiries
-- are numbered, so each piece is booked once.
create function expire(most int default 500)
returns table (lot_id text, account_id text, amount bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  locked text[];
begin
  select array_agg(w.account_id) into locked from (
    select wallet.account_id from lot join wallet on wallet.account_id = lot.account_id
    where not lot.empty and lot.expires_at <= at and wallet.posted > wallet.held
    order by lot.expires_at limit most
    for no key update of wallet skip locked) as w;

  return query
    with expired as (
      select lot.id, lot.account_id, lot.remaining, wallet.posted - wallet.held as free,
        sum(lot.remaining) over (partition by lot.account_id order by lot.expires_at, lot.created_at, lot.id) as until
      from lot join wallet on wallet.account_id = lot.account_id
      where lot.account_id = any (locked) and not lot.empty and lot.expires_at <= at
    ), booked as (
      insert into transfer (ref, kind, debit, credit, amount, account_id, at)
        select id || ':' || 1 + (select count(*) from transfer where ref >= id || ':' and ref < id || ';' and kind = 'expiry'),
          'expiry', id, 'breakage', (least(until, free) - (until - remaining))::bigint, account_id, at
        from expired where until - remaining < free
        returning debit, account_id, amount
    ), lowered as (
      update lot set remaining = lot.remaining - b.amount, empty = (lot.remaining = b.amount)
        from booked as b where lot.id = b.debit
    ), taken as (
      update wallet set posted = wallet.posted - b.amount
        from (select account_id, sum(amount)::bigint as amount from booked group by account_id) as b
        where wallet.account_id = b.account_id
    )
    select b.debit, b.account_id, b.amount, at from booked as b order by b.debit;
end $$;

-- Pays money of one lot out by a channel: paid money, or promo money of a campaign that allows it, as far as no hold may
-- need it. Idempotent by ref.
--
-- withdrawals: [{ref, lot_id, account_id, amount, channel}]
-- outcome:     withdrawn | replayed | not_withdrawable (nor is a lot of others, or none) | account_frozen | too_much
-- amount:      nUSD this ref paid out; where it is too much, what could be
create function withdraw(withdrawals jsonb)
returns table (ref text, outcome text, amount bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  locked constant text[] := lock_wallets(array(
    select distinct w.account_id from jsonb_to_recordset(withdrawals) as w (account_id text)), true);
  ask record;
  most bigint;
  frozen boolean;
begin
  for ask in
    select w.* from jsonb_to_recordset(withdrawals) as w (ref text, lot_id text, account_id text, amount bigint, channel text)
  loop
    if ask.amount <= 0 then
      raise exception 'withdrawal % is not above zero', ask.ref using errcode = 'invalid_parameter_value';
    end if;
    ref := ask.ref;
    clock := at;
    amount := (select t.amount from transfer as t where t.ref = ask.ref and t.kind = 'withdrawal');
    if amount is not null then
      outcome := 'replayed';
    else
      select least(lot.remaining, wallet.posted - wallet.held), account.frozen_at is not null into most, frozen
        from lot join wallet on wallet.account_id = lot.account_id join account on account.id = lot.account_id
        where lot.id = ask.lot_id and lot.account_id = ask.account_id and lot.account_id = any (locked) and lot.withdrawable;
      outcome := case when not found then 'not_withdrawable' when frozen then 'account_frozen'
        when ask.amount > most then 'too_much' else 'withdrawn' end;
      amount := case outcome when 'withdrawn' then ask.amount when 'too_much' then most else 0 end;
    end if;
    if outcome = 'withdrawn' then
      insert into transfer (ref, kind, debit, credit, amount, account_id, at)
        values (ask.ref, 'withdrawal', ask.lot_id, 'cash_in:' || ask.channel, ask.amount, ask.account_id, at);
      update lot set remaining = lot.remaining - ask.amount, empty = (lot.remaining = ask.amount) where lot.id = ask.lot_id;
      update wallet set posted = wallet.posted - ask.amount where wallet.account_id = ask.account_id;
    end if;
    return next;
  end loop;
end $$;
