import type { Usage } from '../catalog/index.ts'
import type { NanoUsd } from '../money.ts'
import { asRows, type Queryable } from './statement.ts'

/** How a request ended, for its row and its bill. */
export interface Settlement {
  readonly requestId: string
  readonly accountId: string
  /** nUSD to charge; what the hold and the wallet cannot give is the house's. */
  readonly due: NanoUsd
  /** nUSD the provider charges us. */
  readonly cost: NanoUsd
  readonly usage: Usage
  readonly usageSource: 'provider' | 'counted' | 'none'
  /** Why the usage was counted where a report was due. */
  readonly usageFlag?: 'usage_missing' | 'usage_implausible'
  /** Version of the parameters it was counted by. */
  readonly countedVersion?: number
  /** Text bytes of the answer that were delivered. */
  readonly answerBytes: number
  /** Whether the ledger may excuse the due, within the account's allowance of the day. */
  readonly excusable?: boolean
  readonly route: string | undefined
  readonly provider: string | undefined
  readonly upstreamModel: string | undefined
  readonly attempts: number
  readonly maxTokensSent: number
  /** HTTP status the caller saw. */
  readonly status: number
  readonly outcome: string
  readonly errorCode: string | undefined
  readonly finishReason: string | undefined
  readonly firstOutputAt: Date | undefined
}

export interface SettleAnswer {
  readonly requestId: string
  /** `late`: the process had been given up and the request settled for it; this has put it right. */
  readonly outcome: 'settled' | 'replayed' | 'late' | 'busy' | 'no_hold'
  /** nUSD taken from the wallet; null where there is neither hold nor request. */
  readonly charge: NanoUsd | null
  /** nUSD due that the house bears. */
  readonly shortfall: NanoUsd | null
  /** nUSD due that was excused. */
  readonly excused: NanoUsd | null
  readonly clock: Date
}

/** Turns holds into charges and releases the rest. Settling twice is settling once. */
export async function settleHolds(
  database: Queryable,
  settlements: readonly Settlement[],
  { wait = true } = {},
): Promise<SettleAnswer[]> {
  const { rows } = await database.query<SettleAnswer>(
    `select request_id as "requestId", outcome, charge, shortfall, excused, clock from hold_settle($1, $2)`,
    [asRows(settlements.map(settlementRow)), wait],
  )
  return rows
}

/** A settlement by the names of the request's columns. */
export function settlementRow({ usage, ...settlement }: Settlement) {
  return {
    ...settlement,
    inputTokens: usage.input,
    cachedInputTokens: usage.cachedInput,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    thinkingOutputTokens: usage.thinkingOutput,
  }
}
