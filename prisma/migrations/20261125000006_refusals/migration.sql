-- What was refused before it was admitted, to callers whose key was known: how often, and a few of them whole. Neither is
-- needed for money, so gateways bring them along from time to time.

-- A process counts by itself and tells its totals: telling them again changes nothing. The count of a key's code and
-- minute is the sum over the processes.
create table refusal_count (
  api_key_id text collate "C" not null,
  minute timestamptz(3) not null,
  code text not null,
  process text not null,
  count int not null check (count > 0),
  primary key (api_key_id, minute, code, process)
);
create index refusal_count_by_age on refusal_count (minute);

create table refused_request (
  id text collate "C" primary key,
  account_id text collate "C" not null,
  api_key_id text collate "C" not null,
  code text not null,
  status int not null,
  -- Null where the request was refused before its model was read, or asked for what looks like no id.
  model_asked text,
  at timestamptz(3) not null
);
create index refused_request_of_account on refused_request (account_id, id desc);
create index refused_request_of_key on refused_request (api_key_id, at);

-- Takes the totals of a process, and of its refused requests at most `most` of a key and minute, over all processes.
--
-- counts:   [{api_key_id, minute, code, count}]
-- requests: [{id, account_id, api_key_id, code, status, model_asked, at}]
create function record_refusals(process text, counts jsonb, requests jsonb, most int default 10) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  -- One at a time, or two processes would each find the same room.
  perform pg_advisory_xact_lock(hashtext('record_refusals'));
  insert into refusal_count as c (api_key_id, minute, code, process, count)
    select r.api_key_id, r.minute, r.code, record_refusals.process, r.count
    from jsonb_to_recordset(counts) as r (api_key_id text, minute timestamptz, code text, count int)
    on conflict (api_key_id, minute, code, process) do update set count = greatest(c.count, excluded.count);
  insert into refused_request (id, account_id, api_key_id, code, status, model_asked, at)
    select r.id, r.account_id, r.api_key_id, r.code, r.status, r.model_asked, r.at
    from (select q.*, row_number() over (partition by q.api_key_id, date_trunc('minute', q.at) order by q.id) as place
        from jsonb_to_recordset(requests) as q (id text, account_id text, api_key_id text, code text, status int, model_asked text, at timestamptz)) as r
    where r.place + (select count(*) from refused_request as known where known.api_key_id = r.api_key_id
      and known.at >= date_trunc('minute', r.at) and known.at < date_trunc('minute', r.at) + interval '1 minute') <= most
    on conflict (id) do nothing;
end $$;

-- Forgets counts and requests of more than 90 days ago, a bounded number at a time.
create function forget_refusals(most int default 1000) returns void language sql as $$
  delete from refusal_count where ctid = any (array(
    select ctid from refusal_count where minute < ledger_clock() - interval '90 days' order by minute limit most for update skip locked));
  delete from refused_request where id = any (array(
    select id from refused_request where id < 'req_00' || ulid_floor(ledger_clock() - interval '90 days') order by id limit most for update skip locked));
$$;
