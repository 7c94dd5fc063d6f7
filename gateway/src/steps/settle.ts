import { bill, dueFor, type Bill, type Ending, type SettledRequest } from '@smartoken/prisma/bill'
import { cost } from '@smartoken/prisma/catalog'
import type { Settlement } from '@smartoken/prisma/ledger'
import { nanoUsd, type NanoUsd } from '@smartoken/prisma/money'
import type { Services } from '../open-services.ts'
import type { OpenRoute } from './choose-routes.ts'
import type { Hold } from './open-hold.ts'
import { settledRequest } from './settled-request.ts'

/** How a held request ended, beside what its bill is made from. */
export interface HeldEnding extends Omit<Ending, 'family' | 'limit'> {
  readonly hold: Hold
  readonly by: OpenRoute | undefined
  readonly attempts: number
  readonly status: number
  readonly errorCode?: string
  readonly finishReason?: string
  readonly firstOutputAt?: Date
}

/** A durable charge. */
export interface Settled {
  /** nUSD taken. */
  readonly charge: NanoUsd
  /** What a receipt is made of. */
  readonly request: SettledRequest
}

/** How long an answer waits for its charge before it ends without a receipt. */
const PATIENCE_MS = 1_000

/**
 * Charges a request by its outcome and releases the rest of its hold. Returns undefined if the database
 * does not answer in time: the settle is then retried behind the answer, and takes effect once.
 */
export async function settle(services: Services, ending: HeldEnding): Promise<Settled | undefined> {
  const { telemetry, ledger, pending } = services
  const billed = billFor(ending)
  const settlement = settlementOf(services, ending)
  telemetry.settling(ending.hold, settlement)
  const settled = ledger.settle(settlement).then(
    (answer) => {
      telemetry.settled(ending.hold, settlement, answer)
      return answer.charge === null
        ? undefined
        : { charge: answer.charge, request: settledRequest(ending, billed, answer) }
    },
    () => undefined, // its account is frozen, and an operator called
  )
  track(pending, settled)
  const charged = await Promise.race([settled, patience()])
  telemetry.of(ending.hold.requestId)?.at('answer')
  return charged
}

/** What a request is billed that ends so. */
export const billFor = (ending: HeldEnding): Bill =>
  bill({ ...ending, family: ending.hold.family, limit: ending.hold.limit })

/** The settlement of a request that ends so, or would if it ended now. */
export function settlementOf(services: Services, ending: HeldEnding): Settlement {
  const { hold, by } = ending
  const billed = billFor(ending)
  return {
    requestId: hold.requestId,
    accountId: hold.accountId,
    due: dueFor(billed, hold.price, hold.amount),
    cost:
      billed.source !== 'none' && by && !by.upstream.sandbox
        ? cost(services.catalog, billed.usage, by.route, hold.openedAt)
        : nanoUsd(0n),
    usage: billed.usage,
    usageSource: billed.source,
    usageFlag: billed.flag,
    countedVersion: billed.countedVersion,
    excusable: billed.excusable,
    answerBytes: ending.answerBytes,
    route: by?.route.id,
    provider: by && (by.upstream.sandbox ? 'sandbox' : by.upstream.provider),
    upstreamModel: by?.route.upstreamModel,
    attempts: ending.attempts,
    maxTokensSent: hold.limit,
    status: ending.status,
    outcome: ending.outcome,
    errorCode: ending.errorCode,
    finishReason: storable(ending.finishReason),
    firstOutputAt: ending.firstOutputAt,
  }
}

/** Finish reasons there are, OpenAI's and what providers have beside them. */
const FINISH_REASONS = new Set([
  'stop',
  'length',
  'tool_calls',
  'function_call',
  'content_filter',
  'sensitive',
  'network_error',
  'insufficient_system_resource',
  'model_context_window_exceeded',
])

/** A provider's word as it is stored: only one that is known, for another could be any text, and text is not kept. */
const storable = (word: string | undefined): string | undefined =>
  word === undefined || FINISH_REASONS.has(word) ? word : 'other'

const patience = () =>
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS).unref())

function track(pending: Set<Promise<unknown>>, work: Promise<unknown>): void {
  pending.add(work)
  void work.finally(() => pending.delete(work))
}
