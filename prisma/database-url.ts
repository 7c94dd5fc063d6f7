import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const DATA = join(import.meta.dirname, '..', '.data')

/** Where `npm start` notes the address of its embedded PostgreSQL, for the tools run beside it. */
export const databaseUrlNote = (dataFolder: string): string => join(dataFolder, 'database-url')

/**
 * The database a command-line tool works on: `DATABASE_URL`, or that of the `npm start` running here.
 * @throws when there is neither
 */
export function getDatabaseUrl(): string {
  const { DATABASE_URL, DATA_FOLDER } = process.env
  if (DATABASE_URL) return DATABASE_URL
  const note = databaseUrlNote(DATA_FOLDER || DATA)
  if (existsSync(note)) return readFileSync(note, 'utf8')
  throw new Error(
    'There is no database to work on: set DATABASE_URL, or run `npm start` beside this.',
  )
}
