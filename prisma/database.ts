import { Client, Pool, type PoolConfig, types } from 'pg'

export { DatabaseError, type Client, type Pool } from 'pg'

const CONNECT_MS = 5_000
/** What PostgreSQL gets to cancel a statement by itself before we let go of it. */
const CANCEL_GRACE_MS = 500

/** No transaction of ours waits for anything but the database: an idle one holds back every wallet's clean-up. */
const IDLE_IN_TRANSACTION_MS = 1_000

const INT8 = 20
const INT8_ARRAY = 1016

type Parser = (text: string) => unknown

export interface PoolOptions {
  /** Connections at most. */
  readonly max: number
  /** As pg_stat_activity shows it. */
  readonly applicationName: string
  /** After this many ms PostgreSQL cancels a statement. */
  readonly statementTimeoutMs: number
}

/**
 * A pool whose rows carry `bigint` for int8, money among it, and `Date` for timestamptz. Connects on first use;
 * a connection that does not come within 5 s is an error.
 */
export function createPool(url: string, options: PoolOptions): Pool {
  const pool = new Pool({ ...poolConfig(url, options), types: { getTypeParser } })
  // The pool has dropped a connection that broke while idle and opens another; unheard, the event ends the process.
  pool.on('error', () => {})
  return pool
}

/** One connection of its own, not yet open, that reads as {@link createPool}'s do. Unheard, its errors do not end the process. */
export function createClient(url: string, options: Omit<PoolOptions, 'max'>): Client {
  const client = new Client({
    ...poolConfig(url, { ...options, max: 1 }),
    types: { getTypeParser },
  })
  client.on('error', () => {})
  return client
}

/** What every connection of ours has in common, for `pg` and for Prisma's adapter over it. */
export const poolConfig = (url: string, options: PoolOptions): PoolConfig => ({
  connectionString: url,
  max: options.max,
  application_name: options.applicationName,
  statement_timeout: options.statementTimeoutMs,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  connectionTimeoutMillis: CONNECT_MS,
  // A server that is frozen or cut off cancels nothing: then the client gives up, and drops the connection.
  query_timeout: options.statementTimeoutMs + CANCEL_GRACE_MS,
})

/** The parser `pg` has for a type, by the type's number: its list of names lacks arrays. */
const parserOf: (type: number, format?: 'text' | 'binary') => Parser = types.getTypeParser

/** Per pool: a parser set on `pg` itself would change every library in the process that uses it. */
function getTypeParser(type: number, format?: 'text' | 'binary'): Parser {
  const parse = parserOf(type, format)
  if (format === 'binary') return parse
  if (type === INT8) return BigInt
  if (type === INT8_ARRAY) return (text) => (parse(text) as (string | null)[]).map(bigintOrNull)
  return parse
}

const bigintOrNull = (text: string | null): bigint | null => (text === null ? null : BigInt(text))
