const COMPLAINT = /^.*?\b(FATAL|PANIC|error):\s*/

/** Another living `npm start` keeps its database in the same folder. */
export class PostgresInUse extends Error {
  override readonly name = 'PostgresInUse'

  constructor(folder: string, pid: number) {
    super(
      `The database in ${folder} is in use by another SmarToken (process ${pid}). ` +
        `Use that one, or stop it first (kill ${pid}).`,
    )
  }
}

/** The folder is not ours to write. */
export class PostgresFolderUnwritable extends Error {
  override readonly name = 'PostgresFolderUnwritable'

  constructor(folder: string, cause: NodeJS.ErrnoException) {
    super(
      `SmarToken cannot keep its database in ${folder} (${cause.code ?? cause.message}). ` +
        'Make the folder writable for this user, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    )
  }
}

/** There are data, but PostgreSQL cannot work with them. */
export class PostgresDataUnusable extends Error {
  override readonly name = 'PostgresDataUnusable'

  constructor(folder: string, reason: string) {
    super(
      `PostgreSQL cannot open the database in ${folder}: ${reason} ` +
        'Restore that folder from a backup, or move it away to begin with an empty database.',
    )
  }
}

/** PostgreSQL's programs could not be run at all. */
export class PostgresFailed extends Error {
  override readonly name = 'PostgresFailed'

  constructor(what: string, output: string) {
    super(`${what}: ${lastComplaint(output)}`)
  }
}

/** The line of PostgreSQL's output that says why, without its time stamp, as a sentence. */
export function lastComplaint(output: string): string {
  const lines = output.trim().split('\n')
  const complaint = lines.findLast((line) => COMPLAINT.test(line)) ?? lines.at(-1) ?? ''
  const reason = complaint.replace(COMPLAINT, '').trim() || 'it ended without a word'
  return reason.endsWith('.') ? reason : `${reason}.`
}
