import type { Pool } from '@smartoken/prisma/database'
import { reconcile, type Break } from '@smartoken/prisma/ledger'

/** A settled request, as far as the verdict needs it. Money is nUSD. */
export interface Row {
  readonly id: string
  readonly plan: number
  readonly accountId: string
  readonly modelId: string
  readonly priceId: string
  readonly outcome: string
  readonly usageSource: 'provider' | 'counted' | 'none'
  readonly provisional: boolean
  readonly held: bigint
  readonly charge: bigint
  readonly shortfall: bigint
  readonly excused: bigint
  readonly promptBytes: bigint
  readonly inputTokens: bigint
  readonly cachedInputTokens: bigint
  readonly outputTokens: bigint
  /** What was to be charged had its process been lost, when it last said so. */
  readonly progress: bigint | null
}

/** What the database says when all is over. */
export interface Books {
  readonly rows: readonly Row[]
  /** Requests that were admitted, by plan. */
  readonly admitted: ReadonlyMap<number, string>
  readonly orphanHolds: readonly string[]
  readonly breaks: readonly Break[]
  /** Pids of gateways that were taken for dead. */
  readonly givenUp: readonly number[]
  /** Accounts whose money in is not their charges and what is left. */
  readonly unbalanced: readonly string[]
}

/** Reads it, once nothing moves any more. */
export async function readBooks(database: Pool): Promise<Books> {
  const { rows } = await database.query<Row>(`
    select r.id, split_part(r.user_agent, '/', 2)::int as plan, r.account_id as "accountId", r.model_id as "modelId",
      r.price_id as "priceId", r.outcome, r.usage_source as "usageSource", r.provisional, r.held, r.charge, r.shortfall,
      r.excused, r.prompt_bytes::bigint as "promptBytes", r.input_tokens as "inputTokens",
      r.cached_input_tokens as "cachedInputTokens", r.output_tokens as "outputTokens", p.due as progress
    from request as r left join chaos_progress as p on p.request_id = r.id`)
  const admitted = await database.query<{ plan: number; id: string }>(
    'select plan, request_id as id from chaos_admitted',
  )
  const holds = await database.query<{ id: string }>('select request_id as id from hold')
  const unbalanced = await database.query<{ id: string }>(`
    select w.account_id as id from wallet as w
    where w.held <> 0 or w.posted <>
      (select coalesce(sum(amount), 0) from transfer where account_id = w.account_id and kind in ('top_up', 'promo'))
      - (select coalesce(sum(charge), 0) from request where account_id = w.account_id)`)
  const givenUp = await database.query<{ pid: number }>(
    `select split_part(process, ':', 2)::int as pid from lease where swept_at is not null`,
  )
  return {
    rows,
    admitted: new Map(admitted.rows.map(({ plan, id }) => [plan, id])),
    orphanHolds: holds.rows.map(({ id }) => id),
    givenUp: givenUp.rows.map(({ pid }) => pid),
    breaks: await reconcile(database),
    unbalanced: unbalanced.rows.map(({ id }) => id),
  }
}
