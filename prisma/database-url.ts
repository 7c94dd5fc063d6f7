import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where `npm start` notes the address of its embedded PostgreSQL, for the tools beside it. */
export const DATABASE_URL_NOTE = join(import.meta.dirname, '..', '.data', 'database-url')

/** The database a command-line tool works on: `DATABASE_URL`, or that of the `npm start` running here. @throws when there is neither. */
export function getDatabaseUrl(): string {
  if (process.env['DATABASE_URL']) return process.env['DATABASE_URL']
  if (existsSync(DATABASE_URL_NOTE)) return readFileSync(DATABASE_URL_NOTE, 'utf8')
  throw new Error(
    'There is no database to work on: set DATABASE_URL, or run `npm start` beside this.',
  )
}
