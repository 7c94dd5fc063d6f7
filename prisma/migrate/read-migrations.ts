import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** One folder of migrations/: its name orders it. */
export interface Migration {
  readonly name: string
  readonly script: string
}

/** The migrations under `folder`, in the order they apply. */
export const readMigrations = (folder: string): Migration[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({
      name,
      script: readFileSync(join(folder, name, 'migration.sql'), 'utf8'),
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
