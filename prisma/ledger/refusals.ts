import { asRows, type Queryable } from './statement.ts'

/** How often a process has refused a key in a minute by a code, in all so far. */
export interface RefusalCount {
  readonly apiKeyId: string
  readonly minute: Date
  readonly code: string
  readonly count: number
}

/** A request that was refused before it was admitted, whole. */
export interface RefusedRequest {
  readonly id: string
  readonly accountId: string
  readonly apiKeyId: string
  readonly code: string
  /** HTTP status the caller saw. */
  readonly status: number
  readonly modelAsked: string | undefined
  readonly at: Date
}

/** Stores what a process refused; telling it again changes nothing. Of requests ten of a key and minute are kept. */
export const recordRefusals = async (
  database: Queryable,
  process: string,
  counts: readonly RefusalCount[],
  requests: readonly RefusedRequest[],
): Promise<void> => {
  await database.query('select record_refusals($1, $2, $3)', [
    process,
    asRows(counts),
    asRows(requests),
  ])
}
