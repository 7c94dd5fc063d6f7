-- What an admission tells beside its verdict: what is left of the rate limits, and whose an idempotency key is. hold_open
-- and ledger_batch replace those of 20261125000003.

drop function ledger_batch(jsonb, jsonb, jsonb, boolean);
drop function hold_open(jsonb, boolean);

-- The keys callers gave their requests so that none is done twice: each is the last request's that was admitted by it. They
-- count for 24 hours, and change only under the lock of the account's wallet.
create table idempotency_key (
  account_id text collate "C" not null,
  key text collate "C" not null,
  request_id text collate "C" not null,
  used_at timestamptz(3) not null,
  primary key (account_id, key)
);
create index idempotency_key_by_age on idempotency_key (used_at);

-- The request that keeps others from using a key: it is running (`opened`: in this batch), or has succeeded, or was
-- charged, or may yet be. One that failed and cost nothing leaves its key free.
create function idempotent_first(account_id text, key text, opened text[], at timestamptz) returns text language sql stable as $$
  select i.request_id from idempotency_key as i
  where i.account_id = idempotent_first.account_id and i.key = idempotent_first.key and i.used_at > at - interval '24 hours'
    and (i.request_id = any (opened)
      or exists (select from hold where hold.request_id = i.request_id)
      or exists (select from request as r where r.id = i.request_id
        and (r.charge > 0 or r.provisional and r.finished_at > at - interval '10 minutes'
          or r.outcome not in ('upstream_error', 'upstream_broke', 'client_left_before_output', 'shutdown', 'gateway_lost'))))
$$;

-- Forgets keys that count no more, a bounded number at a time.
create function forget_idempotency_keys(most int default 1000) returns bigint language plpgsql as $$
declare
  forgotten bigint;
begin
  delete from idempotency_key where ctid = any (array(
    select ctid from idempotency_key where used_at <= ledger_clock() - interval '24 hours' order by used_at limit most for update skip locked));
  get diagnostics forgotten = row_count;
  return forgotten;
end $$;

-- How long until a limit of `per_minute` lets `needed` through when `taken` are taken now, ms. Null: no limit.
create function rate_wait(at timestamptz, per_minute int, taken bigint, needed bigint, clock timestamptz) returns bigint
language sql stable as $$
  select ceil(extract(epoch from rate_after(at, per_minute, taken, clock) - clock) * 1000
    - 60000 * (1 - needed::numeric / per_minute))::bigint
$$;

-- {limit, remaining, resetMs}: resetMs is how long until all of it could be used again.
create function one_limit_told(per_minute int, remaining bigint, at timestamptz, taken bigint, clock timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object('limit', per_minute, 'remaining', greatest(remaining, 0), 'resetMs',
    round(date_part('epoch', greatest(at, clock) - clock) * 1000 + taken * 60000::float8 / per_minute))
$$;

-- Of an account's and a key's limit of the same thing the one with less left, as it is when `taken` are taken now; null
-- where neither has one. An expression, so that it is planned into its caller: as a query it took a fifth of a batch.
create function limit_told(account_limit int, account_left bigint, account_at timestamptz, account_taken bigint, key_limit int,
  key_left bigint, key_at timestamptz, key_taken bigint, clock timestamptz) returns jsonb language sql stable as $$
  select case
    when key_limit is not null and (account_limit is null or key_left < account_left)
      then one_limit_told(key_limit, key_left, key_at, key_taken, clock)
    when account_limit is not null then one_limit_told(account_limit, account_left, account_at, account_taken, clock) end
$$;

-- What is left of a key's and its account's limits now, for answers that come to no hold.
create function limits_now(account_id text, key_id text, clock timestamptz) returns jsonb language sql stable as $$
  select case when coalesce(a.requests_per_minute, a.tokens_per_minute, k.requests_per_minute, k.tokens_per_minute) is not null then
    jsonb_build_object(
      'requests', limit_told(a.requests_per_minute, rate_room(w.requests_at, a.requests_per_minute, clock), w.requests_at, 0,
        k.requests_per_minute, rate_room(k.requests_at, k.requests_per_minute, clock), k.requests_at, 0, clock),
      'tokens', limit_told(a.tokens_per_minute, rate_room(w.tokens_at, a.tokens_per_minute, clock), w.tokens_at, 0,
        k.tokens_per_minute, rate_room(k.tokens_at, k.tokens_per_minute, clock), k.tokens_at, 0, clock)) end
    from account as a join wallet as w on w.account_id = a.id join api_key as k on k.account_id = a.id
    where a.id = limits_now.account_id and k.id = key_id
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
--             price_until, idempotency_key, facts}]: amounts in nUSD, tokens = the most that is held for.
-- verdict:  admitted | busy (wallet locked elsewhere, only without `wait`) | key_unknown | key_revoked | key_expired |
--           account_frozen | idempotency_key_used | model_not_allowed | lease_lost | price_changed | requests_limited |
--           tokens_limited | concurrency_limited | cap_reached | balance_too_low
-- amount:   what is held, 0 when refused.
-- room:     what could be held in all at that moment, `amount` included: the balance and the caps allow no more.
-- limits:   what is left of each rate limit, this request counted: {requests, tokens}, each as limit_told says it; null
--           where there is no limit, or the wallet was not seen.
-- first_request_id: whose the idempotency key is.
create function hold_open(requests jsonb, wait boolean default true)
returns table (request_id text, verdict text, amount bigint, room bigint, retry_after_ms bigint, clock timestamptz, limits jsonb,
  first_request_id text)
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
  tolds jsonb[] := '{}';
  used_by text;
  used_bys text[] := '{}';
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
      wallet.requests_at as account_requests_at, wallet.tokens_at as account_tokens_at,
      k.id as key_id, k.revoked_at, k.expires_at, k.models, k.open_holds as key_open, k.concurrent_requests as key_concurrency,
      rate_room(k.requests_at, k.requests_per_minute, at) as key_requests_room,
      rate_room(k.tokens_at, k.tokens_per_minute, at) as key_tokens_room,
      k.requests_per_minute as key_rpm, k.tokens_per_minute as key_tpm,
      k.requests_at as key_requests_at, k.tokens_at as key_tokens_at,
      coalesce(account.requests_per_minute, account.tokens_per_minute, k.requests_per_minute, k.tokens_per_minute) is not null as limited,
      key_cap_room(k, today) as key_cap_room,
      (price.id is not null) as price_live, (lease.epoch is not null) as lease_live
    from rows from (jsonb_to_recordset(requests) as (request_id text, account_id text, api_key_id text, model_id text,
        amount bigint, least bigint, tokens bigint, epoch bigint, price_id text, price_from timestamptz,
        price_until timestamptz, idempotency_key text, facts jsonb)) with ordinality
        as r (request_id, account_id, api_key_id, model_id, amount, least, tokens, epoch, price_id, price_from, price_until,
          idempotency_key, facts, place)
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
    used_by := case when ask.idempotency_key is not null and ask.known then
      idempotent_first(ask.account_id, ask.idempotency_key, held_ids, at) end;
    most := least(free, cap_room);
    granted := least(ask.amount, most);
    ruling := case
      when ask.already is not null or ask.request_id = any (held_ids) then 'replayed'
      when not ask.known and not wait then 'busy'
      when ask.key_id is null or not ask.known then 'key_unknown'
      when ask.revoked_at <= at then 'key_revoked'
      when ask.expires_at <= at then 'key_expired'
      when ask.frozen_at is not null then 'account_frozen'
      when used_by is not null then 'idempotency_key_used'
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
      if ask.idempotency_key is not null then
        insert into idempotency_key as i (account_id, key, request_id, used_at)
          values (ask.account_id, ask.idempotency_key, ask.request_id, at)
          on conflict (account_id, key) do update set request_id = excluded.request_id, used_at = excluded.used_at;
      end if;
    end if;
    ids := ids || ask.request_id;
    rulings := rulings || ruling;
    amounts := amounts || case ruling when 'admitted' then granted
      when 'replayed' then coalesce(ask.already, held_amounts[array_position(held_ids, ask.request_id)]) else 0 end;
    rooms := rooms || greatest(most + case ruling when 'replayed' then amounts[cardinality(amounts)] else 0 end, 0);
    waits := waits || case ruling
      when 'requests_limited' then greatest(rate_wait(ask.account_requests_at, ask.account_rpm, account_count, 1, at),
        rate_wait(ask.key_requests_at, ask.key_rpm, key_count, 1, at))
      when 'tokens_limited' then greatest(rate_wait(ask.account_tokens_at, ask.account_tpm, account_tokens, counted, at),
        rate_wait(ask.key_tokens_at, ask.key_tpm, key_tokens, counted, at))
      when 'concurrency_limited' then 1000 end;
    tolds := tolds || case when ask.limited and ask.known then jsonb_build_object(
      'requests', limit_told(ask.account_rpm, ask.account_requests_room - account_count, ask.account_requests_at, account_count,
        ask.key_rpm, ask.key_requests_room - key_count, ask.key_requests_at, key_count, at),
      'tokens', limit_told(ask.account_tpm, ask.account_tokens_room - account_tokens, ask.account_tokens_at, account_tokens,
        ask.key_tpm, ask.key_tokens_room - key_tokens, ask.key_tokens_at, key_tokens, at)) end;
    used_bys := used_bys || case ruling when 'idempotency_key_used' then used_by end;
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
    select v.request_id, case v.ruling when 'replayed' then 'admitted' else v.ruling end, v.amount, v.room, v.wait, at, v.told, v.used_by
    from unnest(ids, rulings, amounts, rooms, waits, tolds, used_bys) as v (request_id, ruling, amount, room, wait, told, used_by);
end $$;

-- Everything a gateway has to say at one moment, in one statement and so in one commit: what ends first, then what goes
-- on, then what begins.
--
-- call:    settle | renew | open, whose answer it is: `verdict` is its outcome or verdict, `amount` the charge or what is
--          held; `rest` the shortfall, or the room of an opened hold
create function ledger_batch(settlements jsonb, renewals jsonb, requests jsonb, wait boolean)
returns table (call text, request_id text, verdict text, amount bigint, rest bigint, excused bigint, retry_after_ms bigint, clock timestamptz,
  limits jsonb, first_request_id text)
language plpgsql as $$
begin
  -- All at once where there is waiting, or two batches could wait for each other in a circle.
  if wait then
    perform lock_wallets(array(select distinct r ->> 'account_id' from jsonb_array_elements(settlements || renewals || requests) as r), true);
  end if;
  if settlements <> '[]' then
    return query select 'settle', s.request_id, s.outcome, s.charge, s.shortfall, s.excused, null::bigint, s.clock, null::jsonb, null from hold_settle(settlements, wait) as s;
  end if;
  if renewals <> '[]' then
    return query select 'renew', r.request_id, r.outcome, r.amount, null::bigint, null::bigint, null::bigint, r.clock,
      null::jsonb, null from hold_renew(renewals, wait) as r;
  end if;
  if requests <> '[]' then
    return query select 'open', o.request_id, o.verdict, o.amount, o.room, null::bigint, o.retry_after_ms, o.clock,
      o.limits, o.first_request_id from hold_open(requests, wait) as o;
  end if;
end $$;
