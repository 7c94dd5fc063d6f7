import type { LotTransfer, SettledRequest } from '../bill/index.ts'
import type { PriceRow, Usage } from '../catalog/index.ts'
import { nanoUsd } from '../money.ts'
import { priceRowOf, type PriceTerms } from './price-terms.ts'
import type { Queryable } from './statement.ts'

/** What a key may know of a request id. `none`: nobody's, another account's, or no id at all. */
export type FoundRequest =
  | { readonly found: 'settled'; readonly receipt: SettledReceipt }
  | { readonly found: 'open' | 'none' | 'key_stopped' }

/** What a receipt is made of. */
export interface SettledReceipt {
  readonly request: SettledRequest
  /** The row it was admitted by, as it was published. */
  readonly price: PriceRow
  readonly lots: readonly LotTransfer[]
}

const REQUEST_ID = /^req_[0-9]{2}[0-9A-HJKMNP-TV-Z]{26}$/

/**
 * Finds a request of the account that a key is of, while the key is good: it must be neither revoked nor expired by the
 * database's clock. One statement, so that nothing changes in between.
 */
export async function findSettled(
  database: Queryable,
  asked: { readonly requestId: string; readonly apiKeyId: string },
): Promise<FoundRequest> {
  // What is no id is asked for as none, so that it is answered as an unknown one is, and a bad key all the same.
  const id = REQUEST_ID.test(asked.requestId) ? asked.requestId : ''
  const { rows } = await database.query<FoundRow>(STATEMENT, [asked.apiKeyId, id])
  const row = rows[0]
  if (!row) return { found: 'key_stopped' }
  if (row.request) return { found: 'settled', receipt: settledReceipt(row, row.request) }
  return { found: row.open ? 'open' : 'none' }
}

const STATEMENT = `
  select case when r.id is not null then jsonb_build_object(
      'id', r.id, 'endpoint', r.endpoint, 'modelId', r.model_id, 'modelAsked', r.model_asked, 'stream', r.stream,
      'outcome', r.outcome, 'status', r.status, 'route', r.route, 'usageSource', r.usage_source,
      'usageFlag', r.usage_flag, 'countedVersion', r.counted_version, 'promptBytes', r.prompt_bytes,
      'answerBytes', r.answer_bytes, 'maxTokensSent', r.max_tokens_sent, 'provisional', r.provisional) end as request,
    jsonb_build_object('input', r.input_tokens, 'cachedInput', r.cached_input_tokens, 'cacheWrite', r.cache_write_tokens,
      'output', r.output_tokens, 'thinkingOutput', r.thinking_output_tokens) as usage,
    r.opened_at as "openedAt", r.finished_at as "finishedAt", r.held, r.charge, r.shortfall, r.excused, r.refunded,
    p.id as "priceId", p.valid_from as "validFrom", p.terms,
    (select coalesce(jsonb_agg(jsonb_build_object('lot', case t.kind when 'charge' then t.debit else t.credit end,
          'kind', t.kind, 'amount', t.amount::text) order by t.kind, t.ref, t.debit, t.credit), '[]')
      from transfer as t where t.ref >= r.id and t.ref < r.id || ';' and t.kind in ('charge', 'refund')) as lots,
    exists (select from hold as h where h.request_id = $2 and h.account_id = k.account_id) as open
  from api_key as k
    left join request as r on r.id = $2 and r.account_id = k.account_id
    left join price as p on p.id = r.price_id
  where k.id = $1 and coalesce(k.revoked_at > ledger_clock(), true) and coalesce(k.expires_at > ledger_clock(), true)`

type Stored = Omit<
  SettledRequest,
  'usage' | 'openedAt' | 'finishedAt' | 'held' | 'charge' | 'shortfall' | 'excused' | 'refunded'
>

interface FoundRow {
  readonly request: { readonly [Name in keyof Stored]: Stored[Name] | null } | null
  readonly usage: Usage
  readonly openedAt: Date
  readonly finishedAt: Date
  readonly held: bigint
  readonly charge: bigint
  readonly shortfall: bigint
  readonly excused: bigint
  readonly refunded: bigint
  readonly priceId: string
  readonly validFrom: Date
  readonly terms: PriceTerms
  readonly lots: readonly { lot: string; kind: LotTransfer['kind']; amount: string }[]
  readonly open: boolean
}

function settledReceipt(row: FoundRow, stored: NonNullable<FoundRow['request']>): SettledReceipt {
  const request = Object.fromEntries(
    Object.entries(stored).map(([name, value]) => [name, value ?? undefined]),
  ) as unknown as Stored
  return {
    request: {
      ...request,
      usage: row.usage,
      openedAt: row.openedAt,
      finishedAt: row.finishedAt,
      held: nanoUsd(row.held),
      charge: nanoUsd(row.charge),
      shortfall: nanoUsd(row.shortfall),
      excused: nanoUsd(row.excused),
      refunded: nanoUsd(row.refunded),
    },
    price: priceRowOf({ id: row.priceId, valid_from: row.validFrom, terms: row.terms }),
    lots: row.lots.map(({ amount, ...lot }) => ({ ...lot, amount: nanoUsd(BigInt(amount)) })),
  }
}
