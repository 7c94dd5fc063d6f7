import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** What is known of a request at admission; kept in the hold, written to the request row at settle. */
export interface RequestFacts {
  readonly endpoint: string
  readonly modelId: string
  /** The id the caller sent, alias or not. */
  readonly modelAsked: string
  readonly stream: boolean
  readonly promptBytes: number
  readonly maxTokensAsked: number | undefined
  readonly network: string | undefined
  readonly userAgent: string | undefined
  readonly clientRetries: number | undefined
}

export interface HoldRequest {
  readonly requestId: string
  readonly accountId: string
  readonly apiKeyId: string
  readonly modelId: string
  /** nUSD: what to hold if the wallet has it. */
  readonly amount: NanoUsd
  /** nUSD: the least worth holding; `amount` when nothing less will do. */
  readonly least: NanoUsd
  /** The most tokens that are held for, prompt and answer, for token limits. */
  readonly tokens: number
  /** The gateway process's lease. */
  readonly epoch: bigint
  readonly priceId: string
  /** The instants between which the quoted price stands; checked against the database clock. */
  readonly priceFrom: Date
  readonly priceUntil: Date | undefined
  readonly facts: RequestFacts
}

export type Verdict =
  | 'admitted'
  | 'busy'
  | 'key_unknown'
  | 'key_revoked'
  | 'key_expired'
  | 'account_frozen'
  | 'model_not_allowed'
  | 'lease_lost'
  | 'price_changed'
  | 'requests_limited'
  | 'tokens_limited'
  | 'concurrency_limited'
  | 'cap_reached'
  | 'balance_too_low'

export interface HoldAnswer {
  readonly requestId: string
  readonly verdict: Verdict
  /** nUSD held; 0 when refused. */
  readonly amount: NanoUsd
  /** nUSD that could have been held in all at that moment, `amount` included. */
  readonly room: NanoUsd
  readonly retryAfterMs: bigint | null
  /** The database's clock: the instant of admission. */
  readonly clock: Date
}

/**
 * Opens holds, all in one statement, in any order of answers. Replaying a request id returns its
 * first admission. Without `wait`, wallets locked by another session answer `busy`.
 */
export async function openHolds(
  database: Queryable,
  requests: readonly HoldRequest[],
  { wait = true } = {},
): Promise<HoldAnswer[]> {
  const { rows } = await database.query<HoldAnswer>(
    `select request_id as "requestId", verdict, amount, room, retry_after_ms as "retryAfterMs", clock
       from hold_open($1, $2)`,
    [asRows(requests), wait],
  )
  return rows
}
