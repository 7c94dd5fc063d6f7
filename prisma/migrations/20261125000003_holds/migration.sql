-- The three calls a gateway makes for a request, and the one that makes them for many: hold_open, hold_renew,
-- hold_settle, ledger_batch. They replace those of the first migrations.

--
-- Holds and requests are looked up one by one, by their keys: a lateral with a limit leaves the planner no other way. Its
-- statistics are of another moment: holds come and go by thousands a second, and a month's partition was planned for
-- when it was all but empty. A join would read the table whole then, once a batch.

-- An index by account would be such another way: a busy account has had many more holds than it has.
drop index hold_of_account;
-- A queue in a table: what is settled is gone at once, and cleaned away soon.
alter table hold set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);

drop function hold_open(jsonb, boolean);
drop function hold_settle(jsonb, boolean);

-- What a key's caps still allow, nUSD, beside what it has spent and holds; null where it has none. A day and a month are
-- UTC's.
create function key_cap_room(k api_key, today date) returns bigint language sql stable as $$
  select least(k.cap_total - k.spent_total,
    k.cap_daily - case when k.spent_on = today then k.spent_daily else 0 end,
    k.cap_monthly - case when date_trunc('month', k.spent_on) = date_trunc('month', today) then k.spent_monthly else 0 end) - k.held
$$;

-- What may still be excused today, nUSD: one dollar or 3 % of what the account spent, whichever is more, less what was.
create function excuse_room(w wallet, today date) returns bigint language sql stable as $$
  select greatest(1000000000, case when w.spent_on = today then w.spent_daily else 0 end * 3 / 100)
    - case when w.spent_on = today then w.excused_daily else 0 end
$$;

-- Admits requests: holds `amount` nUSD of each one's wallet, or what is available if that is at least `least`.
-- One statement decides everything: key active and in scope, account not frozen, price still current, caps, rates,
-- concurrency, balance. Refused requests count nothing. Idempotent by request id: a replay returns the first
-- admission and counts nothing twice.
--
-- Every table is reached by its key: a plan made while a table was small (each month's partition begins so) would read
-- it whole when it no longer is.
--
-- requests: [{request_id, account_id, api_key_id, model_id, amount, least, tokens, epoch, price_id, price_from,
--             price_until, facts}]: amounts in nUSD, tokens = the most that is held for.
-- verdict:  admitted | busy (wallet locked elsewhere, only without `wait`) | key_unknown | key_revoked | key_expired |
--           account_frozen | model_not_allowed | lease_lost | price_changed | requests_limited | tokens_limited |
--           concurrency_limited | cap_reached | balance_too_low
-- amount:   what is held, 0 when refused.
-- room:     what could be held in all at that moment, `amount` included: the balance and the caps allow no more.
create function hold_open(requests jsonb, wait boolean default true)
returns table (request_id text, verdict text, amount bigint, room bigint, retry_after_ms bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  today constant date := (at at time zone 'UTC')::date;
  locked constant text[] := lock_wallets(array(select distinct r ->> 'account_id' from jsonb_array_elements(requests) as r), wait);
  ask record;
  ruling text;
  granted bigint;
  most bigint;
  counted bigint;
  account text := '';
  key text := '';
  free bigint;
  cap_room bigint;
  account_count bigint; account_tokens bigint;
  key_count bigint; key_tokens bigint;
  ids text[] := '{}';
  rulings text[] := '{}';
  amounts bigint[] := '{}';
  rooms bigint[] := '{}';
  waits bigint[] := '{}';
  held_ids text[] := '{}';
  held_accounts text[] := '{}';
  held_keys text[] := '{}';
  held_amounts bigint[] := '{}';
  held_tokens bigint[] := '{}';
  held_epochs bigint[] := '{}';
  held_prices text[] := '{}';
  held_facts jsonb[] := '{}';
begin
  for ask in
    select r.*, (wallet.account_id is not null) as known, coalesce(
        (select hold.amount from hold where hold.request_id = r.request_id),
        (select request.held from request where request.id = r.request_id and request.account_id = r.account_id)) as already,
      coalesce(wallet.posted - wallet.held, 0) as available, wallet.open_holds as account_open,
      account.frozen_at, account.concurrent_requests as account_concurrency,
      rate_room(wallet.requests_at, account.requests_per_minute, at) as account_requests_room,
      rate_room(wallet.tokens_at, account.tokens_per_minute, at) as account_tokens_room,
      account.requests_per_minute as account_rpm, account.tokens_per_minute as account_tpm,
      k.id as key_id, k.revoked_at, k.expires_at, k.models, k.open_holds as key_open, k.concurrent_requests as key_concurrency,
      rate_room(k.requests_at, k.requests_per_minute, at) as key_requests_room,
      rate_room(k.tokens_at, k.tokens_per_minute, at) as key_tokens_room,
      k.requests_per_minute as key_rpm, k.tokens_per_minute as key_tpm,
      key_cap_room(k, today) as key_cap_room,
      (price.id is not null) as price_live, (lease.epoch is not null) as lease_live
    from rows from (jsonb_to_recordset(requests) as (request_id text, account_id text, api_key_id text, model_id text,
        amount bigint, least bigint, tokens bigint, epoch bigint, price_id text, price_from timestamptz,
        price_until timestamptz, facts jsonb)) with ordinality
        as r (request_id, account_id, api_key_id, model_id, amount, least, tokens, epoch, price_id, price_from, price_until, facts, place)
      left join wallet on wallet.account_id = r.account_id and r.account_id = any (locked)
      left join account on account.id = r.account_id
      left join api_key as k on k.id = r.api_key_id and k.account_id = r.account_id
      left join lease on lease.epoch = r.epoch and lease.ended_at is null and lease.swept_at is null
      left join price on price.id = r.price_id and price.model_id = r.model_id
        and price.valid_from <= at and (price.valid_until is null or at < price.valid_until)
        and r.price_from <= at and (r.price_until is null or at < r.price_until)
    order by r.account_id, r.api_key_id, r.place
  loop
    if ask.account_id is distinct from account then
      account := ask.account_id; key := '';
      free := ask.available; account_count := 0; account_tokens := 0;
    end if;
    if ask.api_key_id is distinct from key then
      key := ask.api_key_id;
      cap_room := ask.key_cap_room; key_count := 0; key_tokens := 0;
    end if;
    -- A limit smaller than one request counts the request as the whole limit, or it could never pass.
    counted := least(ask.tokens, ask.account_tpm, ask.key_tpm);
    most := least(free, cap_room);
    granted := least(ask.amount, most);
    ruling := case
      when ask.already is not null or ask.request_id = any (held_ids) then 'replayed'
      when not ask.known and not wait then 'busy'
      when ask.key_id is null or not ask.known then 'key_unknown'
      when ask.revoked_at <= at then 'key_revoked'
      when ask.expires_at <= at then 'key_expired'
      when ask.frozen_at is not null then 'account_frozen'
      when cardinality(ask.models) > 0 and not (ask.model_id = any (ask.models)) then 'model_not_allowed'
      when not ask.lease_live then 'lease_lost'
      when not ask.price_live then 'price_changed'
      when ask.account_open + account_count >= ask.account_concurrency
        or ask.key_open + key_count >= ask.key_concurrency then 'concurrency_limited'
      when account_count >= ask.account_requests_room or key_count >= ask.key_requests_room then 'requests_limited'
      when account_tokens + counted > ask.account_tokens_room or key_tokens + counted > ask.key_tokens_room then 'tokens_limited'
      when cap_room < ask.least then 'cap_reached'
      when free < ask.least then 'balance_too_low'
      else 'admitted' end;
    if ruling = 'admitted' then
      free := free - granted; cap_room := cap_room - granted;
      account_count := account_count + 1; account_tokens := account_tokens + counted;
      key_count := key_count + 1; key_tokens := key_tokens + counted;
      held_ids := held_ids || ask.request_id; held_accounts := held_accounts || ask.account_id;
      held_keys := held_keys || ask.api_key_id; held_amounts := held_amounts || granted;
      held_tokens := held_tokens || counted; held_epochs := held_epochs || ask.epoch;
      held_prices := held_prices || ask.price_id; held_facts := held_facts || ask.facts;
    end if;
    ids := ids || ask.request_id;
    rulings := rulings || ruling;
    amounts := amounts || case ruling when 'admitted' then granted
      when 'replayed' then coalesce(ask.already, held_amounts[array_position(held_ids, ask.request_id)]) else 0 end;
    rooms := rooms || greatest(most + case ruling when 'replayed' then amounts[cardinality(amounts)] else 0 end, 0);
    waits := waits || case ruling
      when 'requests_limited' then ceil(60000.0 / least(ask.account_rpm, ask.key_rpm))
      when 'tokens_limited' then ceil(60000.0 * counted / least(ask.account_tpm, ask.key_tpm))
      when 'concurrency_limited' then 1000 end::bigint;
  end loop;

  insert into hold (request_id, account_id, api_key_id, amount, tokens, epoch, price_id, facts, opened_at)
    select *, at from unnest(held_ids, held_accounts, held_keys, held_amounts, held_tokens, held_epochs, held_prices, held_facts);

  update wallet set held = wallet.held + h.amount, open_holds = wallet.open_holds + h.count,
      requests_at = rate_after(wallet.requests_at, account.requests_per_minute, h.count, at),
      tokens_at = rate_after(wallet.tokens_at, account.tokens_per_minute, h.tokens, at)
    from (select account_id, sum(amount) as amount, count(*) as count, sum(tokens)::bigint as tokens
        from unnest(held_accounts, held_amounts, held_tokens) as h (account_id, amount, tokens) group by account_id) as h
      join account on account.id = h.account_id
    where wallet.account_id = h.account_id;

  update api_key as k set held = k.held + h.amount, open_holds = k.open_holds + h.count, last_used_at = at,
      requests_at = rate_after(k.requests_at, k.requests_per_minute, h.count, at),
      tokens_at = rate_after(k.tokens_at, k.tokens_per_minute, h.tokens, at)
    from (select api_key_id, sum(amount) as amount, count(*) as count, sum(tokens)::bigint as tokens
        from unnest(held_keys, held_amounts, held_tokens) as h (api_key_id, amount, tokens) group by api_key_id) as h
    where k.id = h.api_key_id;

  return query
    select v.request_id, case v.ruling when 'replayed' then 'admitted' else v.ruling end, v.amount, v.room, v.wait, at
    from unnest(ids, rulings, amounts, rooms, waits) as v (request_id, ruling, amount, room, wait);
end $$;

-- Raises holds to `total` nUSD and counts `tokens` of them, or as far as balance and caps allow; never lowers one. A
-- revoked or expired key and a frozen account get no more. Asking for a total, not for more, makes it idempotent.
-- `progress` is the settlement to make if the process is never heard of again; one of a smaller due does not replace it.
--
-- renewals: [{request_id, account_id, total, tokens, progress}]
-- outcome:  renewed | short (there is no more) | no_hold | busy (wallet locked elsewhere, only without `wait`)
-- amount:   what is held now
create function hold_renew(renewals jsonb, wait boolean default true)
returns table (request_id text, outcome text, amount bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  today constant date := (at at time zone 'UTC')::date;
  locked constant text[] := lock_wallets(array(select distinct r ->> 'account_id' from jsonb_array_elements(renewals) as r), wait);
  ask record;
  more bigint;
  account text := '';
  key text := '';
  free bigint;
  cap_room bigint;
  ids text[] := '{}';
  accounts text[] := '{}';
  keys text[] := '{}';
  mores bigint[] := '{}';
  tokens_more bigint[] := '{}';
  progresses jsonb[] := '{}';
begin
  for ask in
    select r.request_id, hold.account_id, hold.api_key_id, r.total, hold.amount, r.progress,
      greatest(r.tokens - hold.tokens, 0) as tokens_more, wallet.posted - wallet.held as available,
      (account.frozen_at is not null or k.revoked_at <= at or k.expires_at <= at) as stopped, key_cap_room(k, today) as cap_room
    from jsonb_to_recordset(renewals) as r (request_id text, account_id text, total bigint, tokens bigint, progress jsonb)
      join lateral (select * from hold where request_id = r.request_id limit 1) as hold on hold.account_id = r.account_id
      join wallet on wallet.account_id = hold.account_id
      join account on account.id = hold.account_id
      join api_key as k on k.id = hold.api_key_id
    where hold.account_id = any (locked)
    order by hold.account_id, hold.api_key_id, r.request_id, r.total desc
  loop
    continue when ask.request_id = ids[cardinality(ids)]; -- the same hold twice in one batch: the larger total
    if ask.account_id is distinct from account then
      account := ask.account_id; key := ''; free := ask.available;
    end if;
    if ask.api_key_id is distinct from key then
      key := ask.api_key_id; cap_room := ask.cap_room;
    end if;
    more := case when ask.stopped then 0 else greatest(least(ask.total - ask.amount, free, cap_room), 0) end;
    free := free - more; cap_room := cap_room - more;
    ids := ids || ask.request_id; accounts := accounts || ask.account_id; keys := keys || ask.api_key_id;
    mores := mores || more; tokens_more := tokens_more || ask.tokens_more;
    progresses := progresses || coalesce(ask.progress, 'null');
  end loop;

  update hold set amount = hold.amount + r.more, tokens = hold.tokens + r.tokens,
      progress = case when (r.progress ->> 'due')::bigint >= coalesce((hold.progress ->> 'due')::bigint, 0) then r.progress
        else hold.progress end
    from unnest(ids, mores, tokens_more, progresses) as r (request_id, more, tokens, progress)
    where hold.request_id = r.request_id and hold.request_id = any (ids);

  update wallet set held = wallet.held + r.more, tokens_at = rate_after(wallet.tokens_at, account.tokens_per_minute, r.tokens, at)
    from (select account_id, sum(more) as more, sum(tokens)::bigint as tokens
        from unnest(accounts, mores, tokens_more) as r (account_id, more, tokens) group by account_id) as r
      join account on account.id = r.account_id
    where wallet.account_id = r.account_id;

  update api_key as k set held = k.held + r.more, tokens_at = rate_after(k.tokens_at, k.tokens_per_minute, r.tokens, at)
    from (select api_key_id, sum(more) as more, sum(tokens)::bigint as tokens
        from unnest(keys, mores, tokens_more) as r (api_key_id, more, tokens) group by api_key_id) as r
    where k.id = r.api_key_id;

  return query
    select r.request_id, case when hold.amount >= r.total then 'renewed' when r.request_id = any (ids) then 'short'
        when not (r.account_id = any (locked)) and not wait then 'busy' when hold.amount is null then 'no_hold' else 'short' end,
      hold.amount, at
    from jsonb_to_recordset(renewals) as r (request_id text, account_id text, total bigint)
      left join lateral (select * from hold where request_id = r.request_id limit 1) as hold on hold.account_id = r.account_id;
end $$;

-- Pays charges from the wallets' lots and books the transfers: promo money by expiry first, then paid. Lots and charges
-- of a wallet are laid end to end on one line; where a lot's stretch overlaps a charge's, that much of the lot pays that
-- charge. Called under the wallets' locks. Raises where the lots do not give exactly what is charged.
create function charge_lots(refs text[], accounts text[], charges bigint[], at timestamptz) returns void
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  asked constant numeric := coalesce((select sum(c) from unnest(charges) as c), 0);
  given numeric;
begin
  with due as (
    select account_id, ref, charge, sum(charge) over (partition by account_id order by ref) as until
    from unnest(accounts, refs, charges) as c (account_id, ref, charge) where charge > 0
  ), taken as (
    select due.ref, due.account_id, money.id as lot_id,
      (least(due.until, money.until) - greatest(due.until - due.charge, money.until - money.remaining))::bigint as amount
    from (select distinct account_id from due) as payer
      cross join lateral (
        select lot.id, lot.remaining, sum(lot.remaining) over (
            order by (lot.origin = 'paid'), lot.expires_at nulls last, lot.created_at, lot.id) as until
        from lot where lot.account_id = payer.account_id and not lot.empty) as money
      join due on due.account_id = payer.account_id
        and money.until - money.remaining < due.until and due.until - due.charge < money.until
  ), booked as (
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select ref, 'charge', lot_id, 'revenue', amount, account_id, at from taken
      returning debit, amount
  ), spent as (
    update lot set remaining = lot.remaining - t.amount, empty = (lot.remaining = t.amount)
      from (select debit, sum(amount)::bigint as amount from booked group by debit) as t
      where lot.id = t.debit returning t.amount
  )
  select coalesce(sum(amount), 0) into given from spent;
  if given <> asked then
    raise exception 'lots gave % nUSD for charges of %', given, asked using errcode = 'integrity_constraint_violation';
  end if;
end $$;

-- Turns holds into charges: takes `due` nUSD from the wallet's lots, writes the request rows, and releases the rest of
-- the hold. What is due beyond the hold is taken as far as the wallet has it free; the remainder is the house's and is
-- booked so. Idempotent by request id: settling again returns the first charge.
--
-- `excusable`: the upstream broke off after output. Such a due is excused as long as the account's excuses of the day
-- (UTC) stay within one dollar or 3 % of what it spent that day, whichever is more.
-- `provisional`: by the sweeper, for a process that is gone. If it is not, it may settle once more within 10 minutes:
-- the difference is charged, as far as the wallet has it free, or given back.
--
-- settlements: [{request_id, account_id, due, excusable, and the columns of a request known at its end}]
-- outcome:     settled | replayed | late (after a provisional one) | busy (wallet locked elsewhere, only without `wait`) | no_hold
create function hold_settle(settlements jsonb, wait boolean default true, provisional boolean default false)
returns table (request_id text, outcome text, charge bigint, shortfall bigint, excused bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  today constant date := (at at time zone 'UTC')::date;
  locked constant text[] := lock_wallets(array(select distinct s ->> 'account_id' from jsonb_array_elements(settlements) as s), wait);
  item record;
  account text := '';
  key text := '';
  free bigint;
  cap_room bigint;
  excuse_room bigint;
  excuse bigint;
  taken bigint;
  ids text[] := '{}';
  accounts text[] := '{}';
  keys text[] := '{}';
  helds bigint[] := '{}';
  charges bigint[] := '{}';
  shortfalls bigint[] := '{}';
  excuses bigint[] := '{}';
  unuseds bigint[] := '{}';
  days date[] := '{}';
  rows jsonb[] := '{}';
  late_ids text[];
begin
  for item in
    select s.row, s.due, s.excusable, hold.request_id, hold.account_id, hold.api_key_id, hold.amount,
      (hold.opened_at at time zone 'UTC')::date as day, wallet.posted - wallet.held as available,
      excuse_room(wallet, today) as excuse_room, key_cap_room(k, today) as cap_room,
      greatest(hold.tokens - s.tokens, 0) as unused
    from (select row, row ->> 'request_id' as request_id, row ->> 'account_id' as account_id, (row ->> 'due')::bigint as due,
          coalesce((row ->> 'excusable')::boolean, false) as excusable,
          (row ->> 'input_tokens')::bigint + (row ->> 'cached_input_tokens')::bigint + (row ->> 'cache_write_tokens')::bigint
            + (row ->> 'output_tokens')::bigint + (row ->> 'thinking_output_tokens')::bigint as tokens
        from jsonb_array_elements(settlements) as row) as s
      join lateral (select * from hold where request_id = s.request_id limit 1) as hold on hold.account_id = s.account_id
      join wallet on wallet.account_id = hold.account_id
      join api_key as k on k.id = hold.api_key_id
    where hold.account_id = any (locked)
    order by hold.account_id, hold.api_key_id, hold.request_id
  loop
    continue when item.request_id = ids[cardinality(ids)]; -- the same settlement twice in one batch
    if item.due < 0 then
      raise exception 'the due of % is negative', item.request_id using errcode = 'numeric_value_out_of_range';
    end if;
    if item.account_id is distinct from account then
      account := item.account_id; key := ''; free := item.available; excuse_room := item.excuse_room;
    end if;
    if item.api_key_id is distinct from key then
      key := item.api_key_id; cap_room := item.cap_room;
    end if;
    excuse := case when item.excusable then greatest(least(item.due, excuse_room), 0) else 0 end;
    taken := least(item.due - excuse, item.amount + greatest(least(free, cap_room), 0));
    free := free + item.amount - taken; cap_room := cap_room + item.amount - taken;
    excuse_room := excuse_room - excuse;
    ids := ids || item.request_id; accounts := accounts || item.account_id; keys := keys || item.api_key_id;
    helds := helds || item.amount; charges := charges || taken; shortfalls := shortfalls || item.due - excuse - taken;
    excuses := excuses || excuse; unuseds := unuseds || item.unused; days := days || item.day; rows := rows || item.row;
  end loop;

  perform charge_lots(ids, accounts, charges, at);

  insert into transfer (ref, kind, debit, credit, amount, account_id, at)
    select request_id, 'shortfall', 'house', 'revenue', shortfall, account_id, at
    from unnest(ids, accounts, shortfalls) as c (request_id, account_id, shortfall) where shortfall > 0;

  insert into request (id, account_id, api_key_id, epoch, endpoint, model_id, model_asked, stream, prompt_bytes,
      max_tokens_asked, max_tokens_sent, network, user_agent, client_retries, route, provider, upstream_model, attempts,
      status, outcome, error_code, finish_reason, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
      thinking_output_tokens, usage_source, usage_flag, counted_version, answer_bytes, price_id, held, charge, shortfall,
      excused, cost, provisional, opened_at, first_output_at, finished_at)
    select hold.request_id, hold.account_id, hold.api_key_id, hold.epoch, f.endpoint, f.model_id, f.model_asked, f.stream,
      f.prompt_bytes, f.max_tokens_asked, s.max_tokens_sent, f.network, f.user_agent, f.client_retries, s.route, s.provider,
      s.upstream_model, s.attempts, s.status, s.outcome, s.error_code, s.finish_reason, s.input_tokens,
      s.cached_input_tokens, s.cache_write_tokens, s.output_tokens, s.thinking_output_tokens, s.usage_source, s.usage_flag,
      s.counted_version, coalesce(s.answer_bytes, 0), hold.price_id, hold.amount, c.charge, c.shortfall, c.excused, s.cost,
      provisional, hold.opened_at, s.first_output_at, at
    from unnest(ids, charges, shortfalls, excuses, rows) as c (request_id, charge, shortfall, excused, row)
      cross join lateral (select * from hold where request_id = c.request_id limit 1) as hold
      cross join lateral settlement_columns(c.row) as s
      cross join lateral jsonb_to_record(hold.facts) as f (endpoint text, model_id text, model_asked text, stream boolean,
          prompt_bytes int, max_tokens_asked int, network text, user_agent text, client_retries int);

  -- A token limit counted the most a request was held for; give back what it did not use.
  update wallet set posted = wallet.posted - h.charge, held = wallet.held - h.held, open_holds = wallet.open_holds - h.count,
      spent_on = today,
      spent_daily = case when wallet.spent_on = today then wallet.spent_daily else 0 end + h.charge,
      excused_daily = case when wallet.spent_on = today then wallet.excused_daily else 0 end + h.excused,
      tokens_at = case when account.tokens_per_minute is null then wallet.tokens_at
        else wallet.tokens_at - h.unused * interval '60 seconds' / account.tokens_per_minute end
    from (select account_id, sum(held) as held, sum(charge) as charge, sum(excused) as excused, count(*) as count, sum(unused) as unused
        from unnest(accounts, helds, charges, excuses, unuseds) as h (account_id, held, charge, excused, unused) group by account_id) as h
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

  if not provisional then
    late_ids := settle_late(settlements, locked, at);
  end if;

  return query
    select s.request_id,
      case when s.request_id = any (ids) then 'settled' when s.request_id = any (late_ids) then 'late'
        -- What was settled provisionally may still be put right: not known before its wallet is locked.
        when not (s.account_id = any (locked)) and not wait and r.provisional is distinct from false then 'busy'
        when r.id is not null then 'replayed' else 'no_hold' end,
      r.charge, r.shortfall, r.excused, at
    from jsonb_to_recordset(settlements) as s (request_id text, account_id text)
      left join lateral (select * from request where id = s.request_id and account_id = s.account_id limit 1) as r on true;
end $$;

-- The columns of a request that its settlement brings.
create function settlement_columns(settlement jsonb) returns table (max_tokens_sent int, route text, provider text,
  upstream_model text, attempts int, status int, outcome text, error_code text, finish_reason text, input_tokens bigint,
  cached_input_tokens bigint, cache_write_tokens bigint, output_tokens bigint, thinking_output_tokens bigint,
  usage_source text, usage_flag text, counted_version int, answer_bytes bigint, cost bigint, first_output_at timestamptz)
language sql stable as $$
  select * from jsonb_to_record(settlement) as s (max_tokens_sent int, route text, provider text,
    upstream_model text, attempts int, status int, outcome text, error_code text, finish_reason text, input_tokens bigint,
    cached_input_tokens bigint, cache_write_tokens bigint, output_tokens bigint, thinking_output_tokens bigint,
    usage_source text, usage_flag text, counted_version int, answer_bytes bigint, cost bigint, first_output_at timestamptz)
$$;

-- What a process settles that had been given up and settled for it: once, within 10 minutes. More than the provisional
-- charge is charged as far as the wallet has it free, the rest is the house's; less is given back to the same lots, by a
-- refund that counts as part of the charge. Called under the wallets' locks; returns the requests it settled.
create function settle_late(settlements jsonb, locked text[], at timestamptz) returns text[]
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  today constant date := (at at time zone 'UTC')::date;
  item record;
  purse wallet;
  cap_room bigint;
  excuse bigint;
  more bigint;
  ids text[] := '{}';
begin
  for item in
    select r.id, r.account_id, r.api_key_id, r.charge, r.shortfall, r.excused, r.finished_at,
      (r.opened_at at time zone 'UTC')::date as day, s.row,
      (s.row ->> 'due')::bigint as due, coalesce((s.row ->> 'excusable')::boolean, false) as excusable
    from jsonb_array_elements(settlements) as s (row)
      cross join lateral (
        select * from request where id = s.row ->> 'request_id' and account_id = s.row ->> 'account_id' limit 1) as r
    where r.provisional and r.finished_at > at - interval '10 minutes' and r.account_id = any (locked)
    order by r.account_id, r.id
  loop
    continue when item.id = any (ids);
    ids := ids || item.id;
    -- Both anew: an earlier one of this batch may have taken from them.
    select * into purse from wallet where account_id = item.account_id;
    select key_cap_room(k, today) into cap_room from api_key as k where id = item.api_key_id;
    -- What was excused provisionally no longer is.
    if purse.spent_on = (item.finished_at at time zone 'UTC')::date then
      purse.excused_daily := purse.excused_daily - item.excused;
    end if;
    excuse := case when item.excusable then greatest(least(item.due, excuse_room(purse, today)), 0) else 0 end;
    more := least(item.due - excuse - item.charge, greatest(least(purse.posted - purse.held, cap_room), 0));
    if more > 0 then
      perform charge_lots(array[item.id || ':late'], array[item.account_id], array[more], at);
      update wallet set posted = posted - more where account_id = item.account_id;
    elsif more < 0 then
      perform refund(jsonb_build_array(jsonb_build_object('ref', item.id || ':late', 'request_id', item.id,
        'account_id', item.account_id, 'amount', -more)));
    end if;
    update wallet set spent_on = today,
        spent_daily = greatest(case when spent_on = today then spent_daily else 0 end + more, 0),
        excused_daily = case when spent_on = today then purse.excused_daily else 0 end + excuse
      where account_id = item.account_id;
    update api_key set spent_total = spent_total + more,
        spent_daily = spent_daily + case when item.day = spent_on then more else 0 end,
        spent_monthly = spent_monthly + case when date_trunc('month', item.day) = date_trunc('month', spent_on) then more else 0 end
      where id = item.api_key_id;
    update request as r set charge = r.charge + more, refunded = r.refunded + least(more, 0), excused = excuse,
        shortfall = item.due - excuse - r.charge - more, provisional = false, max_tokens_sent = c.max_tokens_sent,
        route = c.route, provider = c.provider, upstream_model = c.upstream_model, attempts = c.attempts, status = c.status,
        outcome = c.outcome, error_code = c.error_code, finish_reason = c.finish_reason, input_tokens = c.input_tokens,
        cached_input_tokens = c.cached_input_tokens, cache_write_tokens = c.cache_write_tokens,
        output_tokens = c.output_tokens, thinking_output_tokens = c.thinking_output_tokens, usage_source = c.usage_source,
        usage_flag = c.usage_flag, counted_version = c.counted_version, answer_bytes = coalesce(c.answer_bytes, 0),
        cost = c.cost, first_output_at = c.first_output_at
      from settlement_columns(item.row) as c
      where r.id = item.id;
    -- The house has borne the provisional shortfall already.
    insert into transfer (ref, kind, debit, credit, amount, account_id, at)
      select item.id || ':late', 'shortfall', case when rest > 0 then 'house' else 'revenue' end,
        case when rest > 0 then 'revenue' else 'house' end, abs(rest), item.account_id, at
      from (select shortfall - item.shortfall as rest from request where id = item.id) as borne where rest <> 0;
  end loop;
  return ids;
end $$;

-- Everything a gateway has to say at one moment, in one statement and so in one commit: what ends first, then what goes
-- on, then what begins.
--
-- call:    settle | renew | open, whose answer it is: `verdict` is its outcome or verdict, `amount` the charge or what is
--          held; `rest` the shortfall, or the room of an opened hold
create function ledger_batch(settlements jsonb, renewals jsonb, requests jsonb, wait boolean)
returns table (call text, request_id text, verdict text, amount bigint, rest bigint, excused bigint, retry_after_ms bigint, clock timestamptz)
language plpgsql as $$
begin
  -- All at once where there is waiting, or two batches could wait for each other in a circle.
  if wait then
    perform lock_wallets(array(select distinct r ->> 'account_id' from jsonb_array_elements(settlements || renewals || requests) as r), true);
  end if;
  if settlements <> '[]' then
    return query select 'settle', s.request_id, s.outcome, s.charge, s.shortfall, s.excused, null::bigint, s.clock from hold_settle(settlements, wait) as s;
  end if;
  if renewals <> '[]' then
    return query select 'renew', r.request_id, r.outcome, r.amount, null::bigint, null::bigint, null::bigint, r.clock from hold_renew(renewals, wait) as r;
  end if;
  if requests <> '[]' then
    return query select 'open', o.request_id, o.verdict, o.amount, o.room, null::bigint, o.retry_after_ms, o.clock from hold_open(requests, wait) as o;
  end if;
end $$;

-- Settles what dead processes left behind, provisionally, at the progress they last reported. A process is dead whose
-- lease has had no heartbeat for `lease`; that the database was up all that time is the caller's to know. One sweeper at
-- a time; locked wallets are left to the next run. Where one of them cannot be booked, all are tried one by one, and the
-- account of the bad one is frozen.
create function sweep(lease interval, most int default 100) returns table (epochs bigint, requests bigint)
language plpgsql as $$
declare
  at constant timestamptz := ledger_clock();
  given_up jsonb;
  one jsonb;
begin
  epochs := 0; requests := 0;
  if not pg_try_advisory_xact_lock(hashtext('sweep')) then
    return next; return;
  end if;
  update lease as l set swept_at = at where l.ended_at is null and l.swept_at is null and l.heartbeat_at < at - lease;
  get diagnostics epochs = row_count;
  select coalesce(jsonb_agg(settlement_of_lost(h)), '[]') into given_up from (
    select hold.* from hold join lease as l using (epoch) where l.ended_at is not null or l.swept_at is not null
    order by hold.account_id, hold.request_id limit most) as h;
  begin
    select count(*) filter (where s.outcome = 'settled') into requests from hold_settle(given_up, false, true) as s;
  exception when data_exception or integrity_constraint_violation or raise_exception then
    for one in select jsonb_array_elements(given_up) loop
      begin
        requests := requests + (select count(*) filter (where s.outcome = 'settled') from hold_settle(jsonb_build_array(one), false, true) as s);
      exception when data_exception or integrity_constraint_violation or raise_exception then
        update account set frozen_at = at, frozen_reason = 'sweep: ' || sqlerrm where id = one ->> 'account_id' and frozen_at is null;
      end;
    end loop;
  end;
  return next;
end $$;

-- What a hold whose process is gone is settled by: its progress, or nothing.
create function settlement_of_lost(lost hold) returns jsonb language sql immutable as $$
  select jsonb_build_object('due', 0, 'cost', 0, 'input_tokens', 0, 'cached_input_tokens', 0, 'cache_write_tokens', 0,
      'output_tokens', 0, 'thinking_output_tokens', 0, 'usage_source', 'none', 'attempts', 0, 'max_tokens_sent', 0, 'status', 500)
    || coalesce(lost.progress, '{}')
    || jsonb_build_object('request_id', lost.request_id, 'account_id', lost.account_id, 'outcome', 'gateway_lost')
$$;
