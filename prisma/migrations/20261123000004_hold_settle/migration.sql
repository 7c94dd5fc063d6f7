-- Turns holds into charges: takes `due` nUSD from the wallet's lots (promo by expiry first, then paid), writes the
-- request rows, and releases the rest of the hold. What is due beyond the hold is taken as far as the wallet has it
-- free; the remainder is the house's and is booked so. Idempotent by request id: settling again returns the first charge.
--
-- settlements: [{request_id, account_id, due, and the columns of a request known at its end}]
-- outcome:     settled | replayed | busy (wallet locked elsewhere, only without `wait`) | no_hold
create function hold_settle(settlements jsonb, wait boolean default true)
returns table (request_id text, outcome text, charge bigint, shortfall bigint, clock timestamptz)
language plpgsql as $$
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
  charges bigint[] := '{}';
  allocated bigint;
begin
  for item in
    select hold.request_id, hold.account_id, hold.amount, wallet.posted - wallet.held as available, s.due
    from jsonb_to_recordset(settlements) as s (request_id text, account_id text, due bigint)
      join hold on hold.request_id = s.request_id and hold.account_id = s.account_id
      join wallet on wallet.account_id = hold.account_id
    where hold.account_id = any (locked)
    order by hold.account_id, hold.request_id
  loop
    if item.account_id is distinct from account then
      account := item.account_id; free := item.available;
    end if;
    taken := least(item.due, item.amount + free);
    free := free + item.amount - taken;
    ids := ids || item.request_id;
    charges := charges || taken;
  end loop;

  -- Lots and charges of a wallet are laid end to end on one line; where a lot's stretch overlaps a charge's, that much
  -- of the lot pays that charge.
  with due as (
    select hold.account_id, hold.request_id, c.charge,
      sum(c.charge) over (partition by hold.account_id order by hold.request_id) as until
    from unnest(ids, charges) as c (request_id, charge) join hold on hold.request_id = c.request_id
    where c.charge > 0
  ), money as (
    select lot.account_id, lot.id, lot.remaining,
      sum(lot.remaining) over (partition by lot.account_id
        order by (lot.origin = 'paid'), lot.expires_at nulls last, lot.id) as until
    from lot where lot.account_id = any (locked) and not lot.empty
  ), taken as (
    select due.request_id, due.account_id, money.id as lot_id,
      (least(due.until, money.until) - greatest(due.until - due.charge, money.until - money.remaining))::bigint as amount
    from due join money on money.account_id = due.account_id
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
    select s.request_id, 'shortfall', 'house', 'revenue', s.due - c.charge, s.account_id, at
    from unnest(ids, charges) as c (request_id, charge)
      join jsonb_to_recordset(settlements) as s (request_id text, account_id text, due bigint) on s.request_id = c.request_id
    where s.due > c.charge;

  insert into request (id, account_id, api_key_id, epoch, endpoint, model_id, model_asked, stream, prompt_bytes,
      max_tokens_asked, max_tokens_sent, network, user_agent, client_retries, route, provider, upstream_model, attempts,
      status, outcome, error_code, finish_reason, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      thinking_output_tokens, usage_source, price_id, held, charge, shortfall, cost, opened_at, first_output_at, finished_at)
    select hold.request_id, hold.account_id, hold.api_key_id, hold.epoch, f.endpoint, f.model_id, f.model_asked, f.stream,
      f.prompt_bytes, f.max_tokens_asked, s.max_tokens_sent, f.network, f.user_agent, f.client_retries, s.route, s.provider,
      s.upstream_model, s.attempts, s.status, s.outcome, s.error_code, s.finish_reason, s.input_tokens,
      s.cached_input_tokens, s.cache_write_tokens, s.output_tokens, s.thinking_output_tokens, s.usage_source,
      hold.price_id, hold.amount, c.charge, s.due - c.charge, s.cost, hold.opened_at, s.first_output_at, at
    from unnest(ids, charges) as c (request_id, charge)
      join hold on hold.request_id = c.request_id
      join jsonb_to_recordset(settlements) as s (request_id text, due bigint, max_tokens_sent int, route text,
          provider text, upstream_model text, attempts int, status int, outcome text, error_code text, finish_reason text,
          input_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint, output_tokens bigint,
          thinking_output_tokens bigint, usage_source text, cost bigint, first_output_at timestamptz)
        on s.request_id = c.request_id
      cross join lateral jsonb_to_record(hold.facts) as f (endpoint text, model_id text, model_asked text, stream boolean,
          prompt_bytes int, max_tokens_asked int, network text, user_agent text, client_retries int);

  -- A token limit counted the most the request could use; give back what it did not.
  update wallet set posted = wallet.posted - h.charge, held = wallet.held - h.held, open_holds = wallet.open_holds - h.count,
      tokens_at = case when account.tokens_per_minute is null then wallet.tokens_at
        else wallet.tokens_at - h.unused * interval '60 seconds' / account.tokens_per_minute end
    from (select hold.account_id, sum(hold.amount) as held, sum(c.charge) as charge, count(*) as count,
          sum(greatest(hold.tokens - r.input_tokens - r.cached_input_tokens - r.cache_write_tokens - r.output_tokens - r.thinking_output_tokens, 0)) as unused
        from unnest(ids, charges) as c (request_id, charge)
          join hold on hold.request_id = c.request_id join request as r on r.id = c.request_id
        group by hold.account_id) as h
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
    from (select hold.api_key_id, sum(hold.amount) as held, sum(c.charge) as charge, count(*) as count,
          coalesce(sum(c.charge) filter (where (hold.opened_at at time zone 'UTC')::date = today), 0) as charge_today,
          coalesce(sum(c.charge) filter (where date_trunc('month', hold.opened_at at time zone 'UTC') = date_trunc('month', today::timestamp)), 0) as charge_this_month,
          sum(greatest(hold.tokens - r.input_tokens - r.cached_input_tokens - r.cache_write_tokens - r.output_tokens - r.thinking_output_tokens, 0)) as unused
        from unnest(ids, charges) as c (request_id, charge)
          join hold on hold.request_id = c.request_id join request as r on r.id = c.request_id
        group by hold.api_key_id) as h
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
