import { Client } from 'pg'

const CONNECT_MS = 10_000

/** PostgreSQL's own words for "no": wrong password, no such user, no such database, starting up, full. */
const REFUSALS = new Set(['28P01', '28000', '3D000', '57P03', '53300'])

/** No connection to the database could be made. The message names host and port, never the password. */
export class DatabaseUnreachable extends Error {
  override readonly name = 'DatabaseUnreachable'

  constructor(url: string, cause: unknown) {
    super(
      `The database at ${hostAndPort(url)} cannot be used: ${reason(cause)}. Is DATABASE_URL right?`,
    )
  }
}

/** A connected client. @throws DatabaseUnreachable within 10 s */
export async function connect(url: string): Promise<Client> {
  try {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      application_name: 'smartoken migrate',
    })
    // What is being asked when the connection breaks is told so; unheard, the event would end the process.
    client.on('error', () => {})
    await client.connect()
    return client
  } catch (error) {
    throw new DatabaseUnreachable(url, error)
  }
}

function hostAndPort(url: string): string {
  try {
    const { hostname, port } = new URL(url)
    return `${hostname || 'localhost'}:${port || '5432'}`
  } catch {
    return 'an address that is no URL'
  }
}

/** Only known reasons are repeated: a parser's message may quote the URL, and with it the password. */
function reason(cause: unknown): string {
  const { code = '', message = '' } = cause as { code?: string; message?: string }
  if (REFUSALS.has(code)) return `it answers "${message}"`
  if (code === 'ENOTFOUND') return 'there is no such host'
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (/timeout/i.test(message)) return `it does not answer within ${CONNECT_MS / 1000} s`
  return code === '' ? 'it is not reachable' : `it is not reachable (${code})`
}
