import {
  mostExpensive,
  outputTokensFor,
  quote,
  type Alias,
  type FamilyId,
  type Model,
  type PriceRow,
} from '@smartoken/prisma/catalog'
import type { HoldAnswer, LimitsTold, RequestFacts } from '@smartoken/prisma/ledger'
import type { NanoUsd } from '@smartoken/prisma/money'
import { ApiError } from '../errors.ts'
import type { HoldAsked } from '../ledger/entry.ts'
import { LedgerCrowded } from '../ledger/errors.ts'
import { SLICE_TOKENS } from '../metering/output-bound.ts'
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
  readonly idempotencyKey: string | undefined
  readonly model: Model
  /** By which alias it was asked for, if by one. */
  readonly alias: Alias | undefined
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
  readonly alias: Alias | undefined
  readonly facts: RequestFacts
  readonly price: PriceRow
  /** nUSD: of a plain answer all it can cost, of a stream its first slice. */
  readonly amount: NanoUsd
  /** The limit to send upstream, tokens: never more than the wallet could pay at admission. */
  readonly limit: number
  /** Bounds of billable tokens. */
  readonly most: { readonly prompt: number; readonly output: number }
  readonly openedAt: Date
  /** What is left of the limits beside it. */
  readonly limits: LimitsTold | null
}

/**
 * Holds what a plain request can cost at most, or what the wallet has left for a shorter answer; of a stream's answer only
 * a slice, which is renewed while it runs. Either way the limit is one that the wallet could pay at this moment.
 * The database decides; every refusal is told in the client's terms.
 */
export async function openHold(services: Services, asked: HoldWanted): Promise<Hold> {
  for (let attempt = 1; attempt <= QUOTES; attempt += 1) {
    const { price, from, until } = quote(services.catalog, asked.model, services.clock.now())
    const amountFor = (outputTokens: number) =>
      mostExpensive(price, { inputTokens: asked.promptTokens, outputTokens })
    const whole = asked.limit * asked.outputPerLimit
    const heldFor = asked.facts.stream ? Math.min(whole, SLICE_TOKENS) : whole
    const answer = await admit(services, {
      requestId: asked.requestId,
      accountId: asked.caller.accountId,
      apiKeyId: asked.caller.apiKeyId,
      modelId: asked.model.id,
      amount: amountFor(heldFor),
      least: amountFor(Math.min(asked.limit, LEAST_OUTPUT_TOKENS) * asked.outputPerLimit),
      tokens: asked.promptTokens + heldFor,
      priceId: price.id,
      priceFrom: from,
      priceUntil: until,
      idempotencyKey: asked.idempotencyKey,
      facts: asked.facts,
    })
    const affordable = Math.floor(
      outputTokensFor(price, asked.promptTokens, answer.room) / asked.outputPerLimit,
    )
    if (answer.verdict === 'admitted') return admitted(asked, price, answer, affordable)
    if (answer.verdict !== 'price_changed')
      throw refusal(answer, affordable, asked.model, services.catalog)
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
    alias: asked.alias,
    facts: asked.facts,
    price,
    amount: answer.amount,
    limit,
    most: { prompt: asked.promptTokens, output: limit * asked.outputPerLimit },
    openedAt: answer.clock,
    limits: answer.limits,
  }
}

async function admit({ ledger, rateLimits }: Services, asked: HoldAsked): Promise<HoldAnswer> {
  try {
    const answer = await ledger.open(asked)
    rateLimits.saw(asked.apiKeyId, answer.limits, answer.clock)
    return answer
  } catch (cause) {
    throw new ApiError(cause instanceof LedgerCrowded ? 'load_protection' : 'billing_unavailable', {
      cause,
      headers: { 'retry-after': '2' },
    })
  }
}
