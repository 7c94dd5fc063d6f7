-- Who may use the gateway. Ids are text with a prefix, a cell and a ULID, compared byte by byte
-- (collate "C"), so that they sort by time under any database collation.

create table account (
  id text collate "C" primary key,
  email text not null,
  name text not null,
  created_at timestamptz(3) not null default now(),
  frozen_at timestamptz(3),
  frozen_reason text,
  -- Limits of the whole account; null is none.
  requests_per_minute int check (requests_per_minute > 0),
  tokens_per_minute int check (tokens_per_minute > 0),
  concurrent_requests int check (concurrent_requests > 0),
  constraint account_frozen_with_reason check ((frozen_at is null) = (frozen_reason is null))
);

-- The issuer's subject is the identity, never the email (OpenID Connect Core 1.0, section 5.7).
create table identity (
  issuer text not null,
  subject text not null,
  account_id text collate "C" not null references account,
  created_at timestamptz(3) not null default now(),
  primary key (issuer, subject)
);
create index identity_of_account on identity (account_id);

create table session (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  account_id text collate "C" not null references account,
  created_at timestamptz(3) not null default now(),
  seen_at timestamptz(3) not null default now(),
  expires_at timestamptz(3) not null
);
create index session_of_account on session (account_id);

create table api_key (
  id text collate "C" primary key,
  account_id text collate "C" not null references account,
  name text not null,
  secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
  hint text not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  -- Empty is any model; null is no cap and no limit. Caps are nUSD per UTC day or month of the hold.
  models text[] not null default '{}',
  cap_total bigint check (cap_total >= 0),
  cap_daily bigint check (cap_daily >= 0),
  cap_monthly bigint check (cap_monthly >= 0),
  requests_per_minute int check (requests_per_minute > 0),
  tokens_per_minute int check (tokens_per_minute > 0),
  concurrent_requests int check (concurrent_requests > 0),
  -- What the limits are measured against; changed only under the lock of the account's wallet.
  held bigint not null default 0 check (held >= 0),
  open_holds int not null default 0 check (open_holds >= 0),
  spent_total bigint not null default 0 check (spent_total >= 0),
  spent_daily bigint not null default 0 check (spent_daily >= 0),
  spent_monthly bigint not null default 0 check (spent_monthly >= 0),
  spent_on date not null default '1970-01-01',
  requests_at timestamptz(3) not null default '1970-01-01',
  tokens_at timestamptz(3) not null default '1970-01-01',
  last_used_at timestamptz(3)
) with (fillfactor = 80);
create index api_key_of_account on api_key (account_id);
