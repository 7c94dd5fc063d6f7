-- Turns holds into charges: takes `due` nUSD from the wallet's lots (promo by expiry first, then paid), writes the
-- request rows, and releases the rest of the hold. What is due beyond the hold is taken as far as the wallet has it
-- free; the remainder is the house's and is booked so. Idempotent by request id: settling again returns the first charge.
--
-- settlements: [{request_id, account_id, due, and the columns of a request known at its end}]
-- outcome:     settled | replayed | busy (wallet locked elsewhere, only without `wait`) | no_hold
create function hold_settle(settlements jsonb, wait boolean default true)
returns table (request_id text, outcome text, charge bigint, shortfall bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  today constant date := (at at time zone 'UTC')::date;
  locked constant text[] := lock_wallets(array(select distinct s ->> 'account_id' from jsonb_array_elements(settlements) as s), wait);
  item record;
  account text := '';
  free bigint;
  taken bigint;
  ids text[] := '{}';
  accounts text[] := '{}';
  keys text[] := '{}';
  helds bigint[] := '{}';
  charges bigint[] := '{}';
  shortfalls bigint[] := '{}';
  unuseds bigint[] := '{}';
  days date[] := '{}';
  rows jsonb[] := '{}';
  allocated bigint;
begin
  for item in
    select s.row, s.due, hold.request_id, hold.account_id, hold.api_key_id, hold.amount,
      (hold.opened_at at time zone 'UTC')::date as day, wallet.posted - wallet.held as available,
      greatest(hold.tokens - s.tokens, 0) as unused
    from (select row, row ->> 'request_id' as request_id, row ->> 'account_id' as account_id, (row ->> 'due')::bigint as due,
          (row ->> 'input_tokens')::bigint + (row ->> 'cached_input_tokens')::bigint + (row ->> 'cache_write_tokens')::bigint
            + (row ->> 'output_tokens')::bigint + (row ->> 'thinking_output_tokens')::bigint as tokens
        from jsonb_array_elements(settlements) as row) as s
      join hold on hold.request_id = s.request_id and hold.account_id = s.account_id
      join wallet on wallet.account_id = hold.account_id
    where hold.account_id = any (locked)
    order by hold.account_id, hold.request_id
  loop
    continue when item.request_id = ids[cardinality(ids)]; -- the same settlement twice in one batch
    if item.account_id is distinct from account then
      account := item.account_id; free := item.available;
    end if;
    taken := least(item.due, item.amount + free);
    free := free + item.amount - taken;
    ids := ids || item.request_id; accounts := accounts || item.account_id; keys := keys || item.api_key_id;
    helds := helds || item.amount; charges := charges || taken; shortfalls := shortfalls || item.due - taken;
    unuseds := unuseds || item.unused; days := days || item.day; rows := rows || item.row;
  end loop;

  -- Lots and charges of a wallet are laid end to end on one line; where a lot's stretch overlaps a charge's, that much
  -- of the lot pays that charge.
  with due as (
    select account_id, request_id, charge, sum(charge) over (partition by account_id order by request_id) as until
    from unnest(accounts, ids, charges) as c (account_id, request_id, charge) where charge > 0
  ), taken as (
    select due.request_id, due.account_id, money.id as lot_id,
      (least(due.until, money.until) - greatest(due.until - due.charge, money.until - money.remaining))::bigint as amount
    from (select distinct account_id from due) as payer
      cross join lateral (
        select lot.id, lot.remaining, sum(lot.remaining) over (order by (lot.origin = 'paid'), lot.expires_at nulls last, lot.id) as until
        from lot where lot.account_id = payer.account_id and not lot.empty) as money
      join due on due.account_id = payer.account_id
        and money.until - money.remaining < due.until and due.until - due.charge < money.until
  ), booked as (
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select request_id, 'charge', lot_id, 'revenue', amount, account_id, at from taken
      returning debit, amount
  ), spent as (
    update lot set remaining = lot.remaining - t.amount, empty = (lot.remaining = t.amount)
      from (select debit, sum(amount)::bigint as amount from booked group by debit) as t
      where lot.id = t.debit returning t.amount
  )
  select coalesce(sum(amount), 0) into allocated from spent;
  if allocated <> (select coalesce(sum(c), 0) from unnest(charges) as c) then
    raise exception 'lots gave % nUSD for charges of %', allocated, (select sum(c) from unnest(charges) as c)
      using errcode = 'integrity_constraint_violation';
  end if;

  insert into transfer (ref, kind, debit, credit, amount, account_id, at)
    select request_id, 'shortfall', 'house', 'revenue', shortfall, account_id, at
    from unnest(ids, accounts, shortfalls) as c (request_id, account_id, shortfall) where shortfall > 0;

  insert into request (id, account_id, api_key_id, epoch, endpoint, model_id, model_asked, stream, prompt_bytes,
      max_tokens_asked, max_tokens_sent, network, user_agent, client_retries, route, provider, upstream_model, attempts,
      status, outcome, error_code, finish_reason, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      thinking_output_tokens, usage_source, price_id, held, charge, shortfall, cost, opened_at, first_output_at, finished_at)
    select hold.request_id, hold.account_id, hold.api_key_id, hold.epoch, f.endpoint, f.model_id, f.model_asked, f.stream,
      f.prompt_bytes, f.max_tokens_asked, s.max_tokens_sent, f.network, f.user_agent, f.client_retries, s.route, s.provider,
      s.upstream_model, s.attempts, s.status, s.outcome, s.error_code, s.finish_reason, s.input_tokens,
      s.cached_input_tokens, s.cache_write_tokens, s.output_tokens, s.thinking_output_tokens, s.usage_source,
      hold.price_id, hold.amount, c.charge, c.shortfall, s.cost, hold.opened_at, s.first_output_at, at
    from unnest(ids, charges, shortfalls, rows) as c (request_id, charge, shortfall, row)
      join hold on hold.request_id = c.request_id
      cross join lateral jsonb_to_record(c.row) as s (max_tokens_sent int, route text, provider text, upstream_model text,
          attempts int, status int, outcome text, error_code text, finish_reason text, input_tokens bigint,
          cached_input_tokens bigint, cache_write_tokens bigint, output_tokens bigint, thinking_output_tokens bigint,
          usage_source text, cost bigint, first_output_at timestamptz)
      cross join lateral jsonb_to_record(hold.facts) as f (endpoint text, model_id text, model_asked text, stream boolean,
          prompt_bytes int, max_tokens_asked int, network text, user_agent text, client_retries int);

  -- A token limit counted the most the request could use; give back what it did not.
  update wallet set posted = wallet.posted - h.charge, held = wallet.held - h.held, open_holds = wallet.open_holds - h.count,
      tokens_at = case when account.tokens_per_minute is null then wallet.tokens_at
        else wallet.tokens_at - h.unused * interval '60 seconds' / account.tokens_per_minute end
    from (select account_id, sum(held) as held, sum(charge) as charge, count(*) as count, sum(unused) as unused
        from unnest(accounts, helds, charges, unuseds) as h (account_id, held, charge, unused) group by account_id) as h
      join account on account.id = h.account_id
    where wallet.account_id = h.account_id;

  -- A day's and a month's spending is that of the hold's opening; money of an earlier day than the last one seen
  -- belongs to counters already closed.
  update api_key as k set held = k.held - h.held, open_holds = k.open_holds - h.count,
      spent_total = k.spent_total + h.charge,
      spent_daily = case when k.spent_on = today then k.spent_daily else 0 end + h.charge_today,
      spent_monthly = case when date_trunc('month', k.spent_on) = date_trunc('month', today) then k.spent_monthly else 0 end + h.charge_this_month,
      spent_on = today,
      tokens_at = case when k.tokens_per_minute is null then k.tokens_at
        else k.tokens_at - h.unused * interval '60 seconds' / k.tokens_per_minute end
    from (select api_key_id, sum(held) as held, sum(charge) as charge, count(*) as count, sum(unused) as unused,
          coalesce(sum(charge) filter (where day = today), 0) as charge_today,
          coalesce(sum(charge) filter (where date_trunc('month', day) = date_trunc('month', today)), 0) as charge_this_month
        from unnest(keys, helds, charges, unuseds, days) as h (api_key_id, held, charge, unused, day) group by api_key_id) as h
    where k.id = h.api_key_id;

  delete from hold where request_id = any (ids);

  return query
    select s.request_id,
      case when s.request_id = any (ids) then 'settled' when r.id is not null then 'replayed'
        when not (s.account_id = any (locked)) and not wait then 'busy' else 'no_hold' end,
      r.charge, r.shortfall, at
    from jsonb_to_recordset(settlements) as s (request_id text, account_id text)
      left join request as r on r.id = s.request_id and r.account_id = s.account_id;
end $$;
