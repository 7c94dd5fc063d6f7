-- The only clock: every instant that decides about money is read here, once a statement.
create function ledger_clock() returns timestamptz language sql volatile as $$
  select date_trunc('milliseconds', clock_timestamp())
$$;

-- Locks wallets in id order, so that two batches never wait for each other in a circle. Without `wait`, wallets that
-- another session has locked are left out. Returns the ids now locked. Everything an account owns (keys, lots, holds)
-- changes only under this lock.
create function lock_wallets(account_ids text[], wait boolean) returns text[] language plpgsql as $$
declare
  locked text[];
begin
  if wait then
    select array_agg(account_id) into locked from (
      select account_id from wallet where account_id = any (account_ids) order by account_id for no key update) as w;
  else
    select array_agg(account_id) into locked from (
      select account_id from wallet where account_id = any (account_ids) order by account_id for no key update skip locked) as w;
  end if;
  return coalesce(locked, '{}');
end $$;

-- What a rate limit (the generic cell rate algorithm, ATM Forum TM 4.0) still lets through now. A limit of N a minute
-- lets N through at once and refills one every 60/N seconds. `at` is the theoretical arrival time. Null: no limit.
create function rate_room(at timestamptz, per_minute int, clock timestamptz) returns bigint language sql stable as $$
  select floor(per_minute * (60000 - greatest(extract(epoch from at - clock) * 1000, 0)) / 60000)::bigint
$$;

create function rate_after(at timestamptz, per_minute int, taken bigint, clock timestamptz) returns timestamptz
language sql stable as $$
  select case when per_minute is null then at
    else greatest(at, clock) + taken * interval '60 seconds' / per_minute end
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
--             price_until, facts}]: amounts in nUSD, tokens = the most the request can use.
-- verdict:  admitted | busy (wallet locked elsewhere, only without `wait`) | key_unknown | key_revoked | key_expired |
--           account_frozen | model_not_allowed | price_changed | requests_limited | tokens_limited |
--           concurrency_limited | cap_reached | balance_too_low
-- amount:   what is held; when refused for money, what could be held.
create function hold_open(requests jsonb, wait boolean default true)
returns table (request_id text, verdict text, amount bigint, retry_after_ms bigint, clock timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  at constant timestamptz := ledger_clock();
  today constant date := (at at time zone 'UTC')::date;
  locked constant text[] := lock_wallets(array(select distinct r ->> 'account_id' from jsonb_array_elements(requests) as r), wait);
  ask record;
  ruling text;
  granted bigint;
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
    select r.*, (wallet.account_id is not null) as known, coalesce(hold.amount, request.held) as already,
      coalesce(wallet.posted - wallet.held, 0) as available, wallet.open_holds as account_open,
      account.frozen_at, account.concurrent_requests as account_concurrency,
      rate_room(wallet.requests_at, account.requests_per_minute, at) as account_requests_room,
      rate_room(wallet.tokens_at, account.tokens_per_minute, at) as account_tokens_room,
      account.requests_per_minute as account_rpm, account.tokens_per_minute as account_tpm,
      k.id as key_id, k.revoked_at, k.expires_at, k.models, k.open_holds as key_open, k.concurrent_requests as key_concurrency,
      rate_room(k.requests_at, k.requests_per_minute, at) as key_requests_room,
      rate_room(k.tokens_at, k.tokens_per_minute, at) as key_tokens_room,
      k.requests_per_minute as key_rpm, k.tokens_per_minute as key_tpm,
      least(k.cap_total - k.spent_total,
        k.cap_daily - case when k.spent_on = today then k.spent_daily else 0 end,
        k.cap_monthly - case when date_trunc('month', k.spent_on) = date_trunc('month', today) then k.spent_monthly else 0 end
      ) - k.held as key_cap_room,
      (price.id is not null) as price_live
    from rows from (jsonb_to_recordset(requests) as (request_id text, account_id text, api_key_id text, model_id text,
        amount bigint, least bigint, tokens bigint, epoch bigint, price_id text, price_from timestamptz,
        price_until timestamptz, facts jsonb)) with ordinality
        as r (request_id, account_id, api_key_id, model_id, amount, least, tokens, epoch, price_id, price_from, price_until, facts, place)
      left join wallet on wallet.account_id = r.account_id and r.account_id = any (locked)
      left join account on account.id = r.account_id
      left join api_key as k on k.id = r.api_key_id and k.account_id = r.account_id
      left join hold on hold.request_id = r.request_id
      left join request on request.id = r.request_id
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
    granted := least(ask.amount, free, cap_room);
    ruling := case
      when ask.already is not null or ask.request_id = any (held_ids) then 'replayed'
      when not ask.known and not wait then 'busy'
      when ask.key_id is null or not ask.known then 'key_unknown'
      when ask.revoked_at <= at then 'key_revoked'
      when ask.expires_at <= at then 'key_expired'
      when ask.frozen_at is not null then 'account_frozen'
      when cardinality(ask.models) > 0 and not (ask.model_id = any (ask.models)) then 'model_not_allowed'
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
    amounts := amounts || case when ruling = 'replayed'
      then coalesce(ask.already, held_amounts[array_position(held_ids, ask.request_id)]) else greatest(granted, 0) end;
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
    select v.request_id, case v.ruling when 'replayed' then 'admitted' else v.ruling end, v.amount, v.wait, at
    from unnest(ids, rulings, amounts, waits) as v (request_id, ruling, amount, wait);
end $$;
