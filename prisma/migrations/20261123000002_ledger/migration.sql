-- The ledger: append-only transfers between ledger accounts, and the projections that are written
-- in the same statement (wallet, lot, hold) and can be rebuilt from them at any time.
-- Amounts are nUSD. A customer's ledger accounts are the lots of the wallet: money of one origin each.

create table price (
  id text collate "C" primary key,
  model_id text not null,
  valid_from timestamptz(3) not null,
  valid_until timestamptz(3),
  terms jsonb not null,
  loaded_at timestamptz(3) not null default now()
);

create table wallet (
  account_id text collate "C" primary key,
  posted bigint not null default 0,
  held bigint not null default 0,
  open_holds int not null default 0 check (open_holds >= 0),
  -- Theoretical arrival times of the account's two rate limits (GCRA).
  requests_at timestamptz(3) not null default '1970-01-01',
  tokens_at timestamptz(3) not null default '1970-01-01',
  constraint wallet_never_negative check (0 <= held and held <= posted)
) with (fillfactor = 70);

create table lot (
  id text collate "C" primary key check (id like 'lot\_%'),
  account_id text collate "C" not null,
  origin text not null check (origin in ('paid', 'promo')),
  amount bigint not null check (amount > 0),
  remaining bigint not null check (0 <= remaining and remaining <= amount),
  -- Kept beside `remaining` so that an emptied lot leaves the index and no other take touches it.
  empty boolean not null default false check (empty = (remaining = 0)),
  withdrawable boolean not null,
  campaign text,
  expires_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  constraint lot_paid_stays check (origin = 'promo' or (campaign is null and expires_at is null))
) with (fillfactor = 80);
create index lot_with_money on lot (account_id) where not empty;

create table transfer (
  ref text collate "C" not null,
  kind text collate "C" not null check (kind in ('top_up', 'promo', 'charge', 'shortfall', 'refund', 'expiry', 'fee', 'chargeback', 'adjustment')),
  debit text collate "C" not null,
  credit text collate "C" not null,
  amount bigint not null check (amount > 0),
  -- Whose wallet it moves; null between house accounts.
  account_id text collate "C",
  at timestamptz(3) not null,
  primary key (ref, kind, debit),
  constraint transfer_between_two check (debit <> credit),
  constraint transfer_ledger_accounts check (
    (debit ~ '^(lot_|cash_in:)' or debit in ('revenue', 'promo_expense', 'breakage', 'fees', 'receivable', 'house')) and
    (credit ~ '^(lot_|cash_in:)' or credit in ('revenue', 'promo_expense', 'breakage', 'fees', 'receivable', 'house')))
) partition by range (ref);
create index transfer_of_account on transfer (account_id, at);
create table transfer_default partition of transfer default;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: book a new transfer instead', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger transfer_is_final before update or delete on transfer for each row execute function refuse_change();
create trigger transfer_is_kept before truncate on transfer for each statement execute function refuse_change();

-- One row a gateway process; holds carry its epoch, so that the holds of a dead process can be told.
create table lease (
  epoch bigint generated always as identity primary key,
  started_at timestamptz(3) not null default now(),
  heartbeat_at timestamptz(3) not null default now(),
  process text not null
);

-- Open holds only: settling deletes the hold and writes the request row.
create table hold (
  request_id text collate "C" primary key,
  account_id text collate "C" not null,
  api_key_id text collate "C" not null,
  amount bigint not null check (amount > 0),
  tokens bigint not null check (tokens >= 0),
  progress bigint not null default 0 check (progress >= 0),
  epoch bigint not null,
  price_id text collate "C" not null,
  -- What was known of the request at admission, by the names of the request's columns.
  facts jsonb not null,
  opened_at timestamptz(3) not null
);
create index hold_of_account on hold (account_id);
create index hold_of_epoch on hold (epoch);

create table request (
  id text collate "C" primary key,
  account_id text collate "C" not null,
  api_key_id text collate "C" not null,
  epoch bigint not null,
  endpoint text not null,
  model_id text not null,
  model_asked text not null,
  stream boolean not null,
  prompt_bytes int not null,
  max_tokens_asked int,
  max_tokens_sent int not null,
  network text,
  user_agent text,
  client_retries int,
  route text,
  provider text,
  upstream_model text,
  attempts int not null default 0,
  status int not null,
  outcome text not null,
  error_code text,
  finish_reason text,
  input_tokens bigint not null default 0 check (input_tokens >= 0),
  cached_input_tokens bigint not null default 0 check (cached_input_tokens >= 0),
  cache_write_tokens bigint not null default 0 check (cache_write_tokens >= 0),
  output_tokens bigint not null default 0 check (output_tokens >= 0),
  thinking_output_tokens bigint not null default 0 check (thinking_output_tokens >= 0),
  usage_source text not null check (usage_source in ('provider', 'counted', 'none')),
  price_id text collate "C" not null,
  held bigint not null check (held > 0),
  charge bigint not null check (charge >= 0),
  -- What was due beyond the hold and the wallet, borne by the house.
  shortfall bigint not null default 0 check (shortfall >= 0),
  -- What the provider charges us for it.
  cost bigint not null default 0 check (cost >= 0),
  opened_at timestamptz(3) not null,
  first_output_at timestamptz(3),
  finished_at timestamptz(3) not null
) partition by range (id);
create index request_of_account on request (account_id, id desc);
create table request_default partition of request default;

-- The smallest id a ULID of that instant can have: 48 bits of milliseconds in Crockford's base32, no random part.
create function ulid_floor(at timestamptz) returns text language plpgsql immutable as $$
declare
  alphabet constant text := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  rest bigint := floor(extract(epoch from at) * 1000);
  id text := '';
begin
  for place in 1..10 loop
    id := substr(alphabet, (rest % 32)::int + 1, 1) || id;
    rest := rest / 32;
  end loop;
  return id;
end $$;

-- Monthly partitions of request rows and of their transfers, this month and `ahead` more. Run at every start, and
-- safe to run at once from several processes.
create function ensure_partitions(ahead int default 3) returns void language plpgsql set timezone = 'UTC' as $$
declare
  month timestamptz := date_trunc('month', now());
  suffix text;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for step in 0..ahead loop
    suffix := to_char(month, 'YYYY_MM');
    if to_regclass('request_' || suffix) is null then
      execute format('create table %I partition of request for values from (%L) to (%L)', 'request_' || suffix,
        'req_00' || ulid_floor(month), 'req_00' || ulid_floor(month + interval '1 month'));
      execute format('create table %I partition of transfer for values from (%L) to (%L)', 'transfer_' || suffix,
        'req_00' || ulid_floor(month), 'req_00' || ulid_floor(month + interval '1 month'));
    end if;
    month := month + interval '1 month';
  end loop;
end $$;
