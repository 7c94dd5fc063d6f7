import type { NanoUsd } from '../money.ts'
import type { HoldAnswer, HoldRequest, LimitsTold } from './hold.ts'
import { renewalRow, type RenewAnswer, type Renewal } from './renew.ts'
import { settlementRow, type SettleAnswer, type Settlement } from './settle.ts'
import { asRows, type Queryable } from './statement.ts'

/** What a gateway process has to say to the ledger at one moment. */
export interface Batch {
  readonly settlements: readonly Settlement[]
  readonly renewals: readonly Renewal[]
  readonly requests: readonly HoldRequest[]
}

/** Answers of one batch, in any order. */
export interface BatchAnswers {
  readonly settlements: readonly SettleAnswer[]
  readonly renewals: readonly RenewAnswer[]
  readonly requests: readonly HoldAnswer[]
}

interface Row {
  readonly call: 'settle' | 'renew' | 'open'
  readonly requestId: string
  readonly verdict: string
  readonly amount: NanoUsd
  readonly rest: NanoUsd
  readonly excused: NanoUsd
  readonly retryAfterMs: bigint | null
  readonly clock: Date
  readonly limits: LimitsTold | null
  readonly firstRequestId: string | null
}

/**
 * Settles, renews and opens, in this order, in one statement: one round trip and one commit for all. Without `wait`,
 * what belongs to wallets locked by another session is answered `busy`.
 */
export async function runBatch(
  database: Queryable,
  batch: Batch,
  { wait }: { wait: boolean },
): Promise<BatchAnswers> {
  const { rows } = await database.query<Row>({
    name: 'ledger_batch',
    text: `select call, request_id as "requestId", verdict, amount, rest, excused,
             retry_after_ms as "retryAfterMs", clock, limits, first_request_id as "firstRequestId"
           from ledger_batch($1, $2, $3, $4)`,
    values: [
      asRows(batch.settlements.map(settlementRow)),
      asRows(batch.renewals.map(renewalRow)),
      asRows(batch.requests),
      wait,
    ],
  })
  const of = (call: Row['call']) => rows.filter((row) => row.call === call)
  return {
    settlements: of('settle').map(({ requestId, verdict, amount, rest, excused, clock }) => ({
      requestId,
      outcome: verdict as SettleAnswer['outcome'],
      charge: amount,
      shortfall: rest,
      excused,
      clock,
    })),
    renewals: of('renew').map(({ requestId, verdict, amount, clock }) => ({
      requestId,
      outcome: verdict as RenewAnswer['outcome'],
      amount,
      clock,
    })),
    requests: of('open').map(({ call: _, verdict, rest, excused: _excused, ...row }) => ({
      ...row,
      verdict: verdict as HoldAnswer['verdict'],
      room: rest,
    })),
  }
}
