import type { Queryable } from '@smartoken/prisma/ledger'

/** The ledger has one clock; this database's shows what we say, until told again. */
export const setClock = (database: Queryable, at: Date) =>
  database.query(
    `create or replace function ledger_clock() returns timestamptz language sql volatile as
     $$ select '${at.toISOString()}'::timestamptz $$`,
  )
