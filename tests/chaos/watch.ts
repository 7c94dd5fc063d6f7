import type { Pool } from '@smartoken/prisma/database'

/**
 * Has the database remember what the ledger does not: which requests were ever admitted, and what each had last
 * reported. Written in the same commit as what it watches.
 */
export const watchHolds = (database: Pool) =>
  database.query(`
    create table chaos_admitted (request_id text primary key, account_id text not null, plan int not null, at timestamptz not null);
    create table chaos_progress (request_id text primary key, due bigint not null);

    create function chaos_admit() returns trigger language plpgsql as $$
    begin
      insert into chaos_admitted values (new.request_id, new.account_id,
        split_part(new.facts ->> 'user_agent', '/', 2)::int, new.opened_at);
      return null;
    end $$;
    create trigger chaos_admit after insert on hold for each row execute function chaos_admit();

    create function chaos_report() returns trigger language plpgsql as $$
    begin
      insert into chaos_progress values (new.request_id, (new.progress ->> 'due')::bigint)
        on conflict (request_id) do update set due = excluded.due;
      return null;
    end $$;
    create trigger chaos_report after update of progress on hold for each row
      when (new.progress is distinct from old.progress) execute function chaos_report();`)
