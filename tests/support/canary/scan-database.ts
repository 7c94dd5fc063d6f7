import type { Pool } from '@smartoken/prisma/database'
import { ALL, secrets } from './canaries.ts'
import { findIn, type Finding } from './findings.ts'

const ANY = ALL.map((secret) => secrets[secret].source).join('|')

/** Every secret in any column of any table: rows are searched as PostgreSQL writes them, bytes in hexadecimal. */
export async function findInDatabase(database: Pool): Promise<Finding[]> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select format('%I.%I', nspname, relname) as name
       from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where relkind in ('r', 'p') and not relispartition
        and nspname not in ('pg_catalog', 'information_schema')`,
  )
  if (tables.length === 0) return []
  const searches = tables.map(
    ({ name }) =>
      `(select '${name}' as name, r::text as row from ${name} r where r::text ~ $1 limit 1)`,
  )
  const { rows } = await database.query<{ name: string; row: string }>(
    searches.join(' union all '),
    [ANY],
  )
  return rows.flatMap(({ name, row }) => findIn(row, `table ${name}`, ALL))
}
