-- What recovery needs to know: which processes are gone, what their requests had come to, and what was settled for them.

-- A lease ends cleanly (`ended_at`) or is declared dead by the sweeper (`swept_at`). Neither comes back: a process that
-- wakes up opens a new one.
alter table lease add column ended_at timestamptz(3), add column swept_at timestamptz(3);

-- Progress is a settlement in waiting: what is charged if the process is never heard of again.
alter table hold drop column progress;
alter table hold add column progress jsonb;
alter table hold set (fillfactor = 70);

alter table request
  -- Text bytes of the answer that were delivered; with `prompt_bytes` what a counted bill is made of.
  add column answer_bytes bigint not null default 0 check (answer_bytes >= 0),
  -- Why a bill was counted where a report was due.
  add column usage_flag text check (usage_flag in ('usage_missing', 'usage_implausible')),
  add column counted_version int,
  -- What was due and excused, because the upstream broke off after output.
  add column excused bigint not null default 0 check (excused >= 0),
  -- Settled by the sweeper at last progress: its own process may still settle it, once.
  add column provisional boolean not null default false,
  add column refunded bigint not null default 0;
alter table request add constraint request_refund_within_charge check (0 <= refunded and refunded <= charge);

-- What bounds excuses: the account's day, UTC, of the settle.
alter table wallet
  add column spent_on date not null default '1970-01-01',
  add column spent_daily bigint not null default 0 check (spent_daily >= 0),
  add column excused_daily bigint not null default 0 check (excused_daily >= 0);
