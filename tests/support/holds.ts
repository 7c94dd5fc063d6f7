import { newId } from '@smartoken/prisma/ids'
import { usd } from '@smartoken/prisma/money'
import {
  openLease,
  type HoldRequest,
  type Queryable,
  type Settlement,
} from '@smartoken/prisma/ledger'

/** What holds made by {@link holdOf} refer to: the price rows `live` and `ended` of the model `model`, a lease of epoch 1. */
export async function prepareHolds(database: Queryable): Promise<void> {
  await database.query(
    `insert into price (id, model_id, valid_from, valid_until, terms) values
       ('live', 'model', '2026-01-01', null, '{}'), ('ended', 'model', '2026-01-01', '2026-02-01', '{}')`,
  )
  await openLease(database, 'test')
}

/** A hold to ask for in a test: of $0.10 by the price row `live` of the model `model`, but for what is given. */
export function holdOf(
  { accountId, apiKeyId }: { accountId: string; apiKeyId: string },
  over: Partial<HoldRequest> = {},
): HoldRequest {
  const amount = over.amount ?? usd('0.1')
  return {
    requestId: newId('request'),
    accountId,
    apiKeyId,
    modelId: 'model',
    amount,
    least: amount,
    tokens: 1_000,
    epoch: 1n,
    priceId: 'live',
    priceFrom: new Date('2026-01-01'),
    priceUntil: undefined,
    facts: {
      endpoint: '/v1/chat/completions',
      modelId: 'model',
      modelAsked: 'model',
      stream: false,
      promptBytes: 100,
      maxTokensAsked: undefined,
      network: '127.0.0.1',
      userAgent: 'test',
      clientRetries: 0,
    },
    ...over,
  }
}

/** The settlement of such a hold. */
export const settlementOf = (
  hold: Pick<HoldRequest, 'requestId' | 'accountId'>,
  over: Partial<Settlement> = {},
): Settlement => ({
  requestId: hold.requestId,
  accountId: hold.accountId,
  due: usd('0.04'),
  cost: usd('0.03'),
  usage: { input: 10, cachedInput: 0, cacheWrite: 0, output: 5, thinkingOutput: 0 },
  usageSource: 'provider',
  answerBytes: 20,
  route: 'provider/model',
  provider: 'provider',
  upstreamModel: 'model',
  attempts: 1,
  maxTokensSent: 100,
  status: 200,
  outcome: 'completed',
  errorCode: undefined,
  finishReason: 'stop',
  firstOutputAt: undefined,
  ...over,
})
