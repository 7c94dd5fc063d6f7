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
  readonly outcome: 'settled' | 'replayed' | 'busy' | 'no_hold'
  /** nUSD taken from the wallet; null where there is neither hold nor request. */
  readonly charge: NanoUsd | null
  /** nUSD due that the house bears. */
  readonly shortfall: NanoUsd | null
  readonly clock: Date
}

/** Turns holds into charges and releases the rest. Settling twice is settling once. */
export async function settleHolds(
  database: Queryable,
  settlements: readonly Settlement[],
  { wait = true } = {},
): Promise<SettleAnswer[]> {
  const { rows } = await database.query<SettleAnswer>(
    `select request_id as "requestId", outcome, charge, shortfall, clock from hold_settle($1, $2)`,
    [asRows(settlements.map(withTokenColumns)), wait],
  )
  return rows
}

function withTokenColumns({ usage, ...settlement }: Settlement) {
  return {
    ...settlement,
    inputTokens: usage.input,
    cachedInputTokens: usage.cachedInput,
    cacheWriteTokens: usage.cacheWrite,
    outputTokens: usage.output,
    thinkingOutputTokens: usage.thinkingOutput,
  }
}
