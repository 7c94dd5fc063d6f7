import {
  mostExpensive,
  outputTokensFor,
  quote,
  type FamilyId,
  type Model,
  type PriceRow,
} from '@smartoken/prisma/catalog'
import type { HoldAnswer, RequestFacts } from '@smartoken/prisma/ledger'
import type { NanoUsd } from '@smartoken/prisma/money'
import { ApiError } from '../errors.ts'
import type { HoldAsked } from '../ledger/entry.ts'
import { LedgerCrowded } from '../ledger/errors.ts'
import type { Services } from '../open-services.ts'
import type { Caller } from './authenticate.ts'
import { refusal } from './refusal.ts'

/** An answer shorter than this is not worth admitting a request for. */
const LEAST_OUTPUT_TOKENS = 256
/** A price can change between quoting it and holding by it, once. */
const QUOTES = 3

export interface HoldWanted {
  readonly requestId: string
  readonly caller: Caller
  readonly model: Model
  readonly facts: RequestFacts
  /** Upper bound of prompt tokens. */
  readonly promptTokens: number
  /** The answer's limit, tokens, if the wallet affords it. */
  readonly limit: number
  /** Tokens that may be billed for a limit of one: 2 where thinking has a budget of its own beside it. */
  readonly outputPerLimit: number
}

/** An admitted request: what it may cost and by which price. */
export interface Hold {
  readonly requestId: string
  readonly accountId: string
  readonly family: FamilyId
  readonly facts: RequestFacts
  readonly price: PriceRow
  /** nUSD. */
  readonly amount: NanoUsd
  /** The limit to send upstream, tokens: never more than the wallet could pay at admission. */
  readonly limit: number
  /** Bounds of billable tokens. */
  readonly most: { readonly prompt: number; readonly output: number }
  readonly openedAt: Date
}

/**
 * Holds what the request can cost at most, or what the wallet has left for a shorter answer.
 * The database decides; every refusal is told in the client's terms.
 */
export async function openHold(services: Services, asked: HoldWanted): Promise<Hold> {
  for (let attempt = 1; attempt <= QUOTES; attempt += 1) {
    const { price, from, until } = quote(services.catalog, asked.model, services.clock.now())
    const amountFor = (limit: number) =>
      mostExpensive(price, {
        inputTokens: asked.promptTokens,
        outputTokens: limit * asked.outputPerLimit,
      })
    const answer = await admit(services, {
      requestId: asked.requestId,
      accountId: asked.caller.accountId,
      apiKeyId: asked.caller.apiKeyId,
      modelId: asked.model.id,
      amount: amountFor(asked.limit),
      least: amountFor(Math.min(asked.limit, LEAST_OUTPUT_TOKENS)),
      tokens: asked.promptTokens + asked.limit * asked.outputPerLimit,
      priceId: price.id,
      priceFrom: from,
      priceUntil: until,
      facts: asked.facts,
    })
    const affordable = (amount: NanoUsd) =>
      Math.floor(outputTokensFor(price, asked.promptTokens, amount) / asked.outputPerLimit)
    if (answer.verdict === 'admitted')
      return admitted(asked, price, answer, affordable(answer.amount))
    if (answer.verdict !== 'price_changed')
      throw refusal(answer, affordable(answer.room), asked.model, services.catalog)
  }
  throw new ApiError('billing_unavailable', { headers: { 'retry-after': '1' } })
}

function admitted(
  asked: HoldWanted,
  price: PriceRow,
  answer: HoldAnswer,
  affordable: number,
): Hold {
  const limit = Math.min(asked.limit, affordable)
  return {
    requestId: asked.requestId,
    accountId: asked.caller.accountId,
    family: asked.model.family,
    facts: asked.facts,
    price,
    amount: answer.amount,
    limit,
    most: { prompt: asked.promptTokens, output: limit * asked.outputPerLimit },
    openedAt: answer.clock,
  }
}

async function admit({ ledger }: Services, asked: HoldAsked): Promise<HoldAnswer> {
  try {
    return await ledger.open(asked)
  } catch (cause) {
    throw new ApiError(cause instanceof LedgerCrowded ? 'load_protection' : 'billing_unavailable', {
      cause,
      headers: { 'retry-after': '2' },
    })
  }
}
