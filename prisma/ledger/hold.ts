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
  /** The caller's own name for the request, so that it is not done twice: visible ASCII, at most 255. */
  readonly idempotencyKey?: string
  readonly facts: RequestFacts
}

export type Verdict =
  | 'admitted'
  | 'busy'
  | 'key_unknown'
  | 'key_revoked'
  | 'key_expired'
  | 'account_frozen'
  | 'idempotency_key_used'
  | 'model_not_allowed'
  | 'lease_lost'
  | 'price_changed'
  | 'requests_limited'
  | 'tokens_limited'
  | 'concurrency_limited'
  | 'cap_reached'
  | 'balance_too_low'

/** What a limit a minute still lets through, the request it is told with counted. */
export interface LimitTold {
  readonly limit: number
  readonly remaining: number
  /** Until all of it could be used again. */
  readonly resetMs: number
}

/** Of each thing that is limited the tighter limit of account and key; null where neither has one. */
export interface LimitsTold {
  readonly requests: LimitTold | null
  readonly tokens: LimitTold | null
}

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
  /** Null where nothing is limited, or the wallet was not seen. */
  readonly limits: LimitsTold | null
  /** Whose the idempotency key is that was asked with, where that refuses it. */
  readonly firstRequestId: string | null
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
    `select request_id as "requestId", verdict, amount, room, retry_after_ms as "retryAfterMs", clock, limits,
         first_request_id as "firstRequestId"
       from hold_open($1, $2)`,
    [asRows(requests), wait],
  )
  return rows
}
