import type { DatabaseError } from 'pg'

/** A migration file that PostgreSQL refused. It was rolled back and is tried again next time. */
export class MigrationFailed extends Error {
  override readonly name = 'MigrationFailed'

  /** `file` as shown, `script` its text, to find the line, `cause` what PostgreSQL said. */
  constructor(file: string, script: string, cause: unknown) {
    const { message, detail, hint, where } = cause as Partial<DatabaseError>
    const parts = [message ?? String(cause), detail, hint, where].filter(
      (part) => part !== undefined,
    )
    const said = parts.map((part) => part.replace(/\.$/, '')).join('. ')
    super(`The migration ${file}${lineOf(script, cause)} failed: ${said}`, { cause })
  }
}

/** A migration file that says something else than when it was applied to this database. */
export class MigrationEdited extends Error {
  override readonly name = 'MigrationEdited'

  constructor(files: readonly string[]) {
    super(
      `${files.join(', ')} changed after it was applied to this database. Undo the change and add a new ` +
        'migration instead; or, if the data may go, begin with an empty database (move .data away).',
    )
  }
}

/** PostgreSQL counts characters from 1. */
function lineOf(script: string, cause: unknown): string {
  const position = Number((cause as Partial<DatabaseError>).position)
  if (!Number.isInteger(position)) return ''
  return `, line ${
    Array.from(script)
      .slice(0, position - 1)
      .filter((character) => character === '\n').length + 1
  },`
}
