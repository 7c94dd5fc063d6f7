import { findModel } from '../catalog/find.ts'
import type { Catalog, Model, PriceRow } from '../catalog/model.ts'
import type { Usage } from '../catalog/usage.ts'
import { formatUsd, nanoUsd, type NanoUsd } from '../money.ts'
import type { Bill } from './bill.ts'
import { tokensPerKilobyte } from './counted.ts'
import type { Outcome } from './outcomes.ts'
import { inWords, priceOf } from './receipt-price.ts'
import type { Receipt } from './receipt-schema.ts'

/** What is stored of a settled request, as far as it explains the charge. Money is nUSD. */
export interface SettledRequest {
  readonly id: string
  readonly endpoint: string
  readonly modelId: string
  readonly modelAsked: string
  readonly stream: boolean
  readonly openedAt: Date
  readonly finishedAt: Date
  readonly outcome: Outcome
  readonly status: number
  /** `<provider>/<upstream model>`; undefined where none was taken. */
  readonly route: string | undefined
  readonly usage: Usage
  readonly usageSource: Bill['source']
  readonly usageFlag: Bill['flag']
  readonly countedVersion: number | undefined
  readonly promptBytes: number
  readonly answerBytes: number
  readonly maxTokensSent: number
  readonly held: NanoUsd
  readonly charge: NanoUsd
  readonly shortfall: NanoUsd
  readonly excused: NanoUsd
  readonly refunded: NanoUsd
  readonly provisional: boolean
}

/** A transfer about a request: how much of which lot. */
export interface LotTransfer {
  readonly lot: string
  readonly kind: 'charge' | 'refund'
  readonly amount: NanoUsd
}

const ROUNDING =
  'Tokens of each class × its rate, added up exactly, then rounded up once to a whole nano-dollar ($0.000000001).'

/**
 * The receipt of a settled request. `price` is the row it was admitted by, as it was stored when it was published. Of a
 * model that the catalog has no more (one that is no longer sold stays in it) it tells what is stored: no page, no list
 * price, and not what its family's text was counted by.
 */
export function receiptOf(
  catalog: Catalog,
  request: SettledRequest,
  price: PriceRow,
  lots?: readonly LotTransfer[],
): Receipt {
  const model = findModel(catalog, request.modelId)?.model
  const { charge, shortfall, excused, refunded } = request
  return {
    object: 'receipt',
    version: 1,
    request_id: request.id,
    endpoint: request.endpoint,
    model: request.modelId,
    model_asked: request.modelAsked,
    route: request.route ?? null,
    stream: request.stream,
    opened_at: request.openedAt.toISOString(),
    finished_at: request.finishedAt.toISOString(),
    outcome: request.outcome,
    status: request.status,
    charge_usd: formatUsd(charge),
    price: priceOf(catalog, model, request, price),
    usage: inWords(request.usage),
    usage_source: request.usageSource,
    usage_flag: request.usageFlag ?? null,
    counted: countedOf(model, request),
    rounding: ROUNDING,
    hold: { amount_usd: formatUsd(request.held) },
    settle: {
      due_usd: formatUsd(nanoUsd(charge + shortfall + excused)),
      excused_usd: formatUsd(excused),
      shortfall_usd: formatUsd(shortfall),
      refunded_usd: formatUsd(refunded),
      provisional: request.provisional,
    },
    ...(lots && {
      lots: lots.map(({ lot, kind, amount }) => ({ lot, kind, amount_usd: formatUsd(amount) })),
    }),
  }
}

function countedOf(model: Model | undefined, request: SettledRequest): Receipt['counted'] {
  const { countedVersion: version } = request
  if (version === undefined || !model) return null
  const { family } = model
  return {
    version,
    family,
    tokens_per_kilobyte: tokensPerKilobyte(version, family),
    prompt_bytes: request.promptBytes,
    answer_bytes: request.answerBytes,
    limit: request.maxTokensSent,
  }
}
