import { bill, dueFor, outcomes, type Outcome } from '@smartoken/prisma/bill'
import { loadCatalog, mostExpensive } from '@smartoken/prisma/catalog'
import {
  anything,
  assert,
  bigInt,
  constantFrom,
  dictionary,
  double,
  integer,
  nat,
  oneof,
  option,
  property,
  record,
  uniqueArray,
  type Arbitrary,
} from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError } from '../errors.ts'
import { promptBound } from '../metering/input-bound.ts'
import { readUsage } from '../metering/read-usage.ts'
import { outputPerLimit, upstreamBody } from '../upstreams/upstream-body.ts'
import { readChatRequest } from './read-chat-request.ts'
import { refuseUnpriced } from './refuse-unpriced.ts'

const RUNS = 20_000
const models = loadCatalog().models
const messages = [{ role: 'user', content: '你好 hello' }]

/** What somebody sends who wants a number to go wrong. */
const hostile = oneof(
  constantFrom(2 ** 31, 2 ** 31 - 1, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -1, -0, 0, 1, 1e308, -1e308),
  constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 0.5, 1.5),
  constantFrom('1', '-1', '1e9', '0x10', '', 'NaN', '9'.repeat(400), '１', null, true, undefined),
  integer(),
  double(),
  bigInt(),
  anything(),
)
/** And what honest people send, so that requests get as far as a bill. */
const honest = nat(20_000)
const number = oneof({ weight: 1, arbitrary: hostile }, { weight: 5, arbitrary: honest })

const numberFields = [
  'max_tokens',
  'max_completion_tokens',
  'thinking_budget',
  'n',
  'best_of',
] as const
const fields = record(
  {
    max_tokens: number,
    max_completion_tokens: number,
    thinking_budget: number,
    enable_thinking: oneof(constantFrom(true, false), hostile),
    thinking: anything(),
    temperature: hostile,
    top_logprobs: hostile,
    n: oneof({ weight: 1, arbitrary: hostile }, { weight: 9, arbitrary: constantFrom(1, null) }),
    best_of: option(hostile, { freq: 1 }),
    stream: constantFrom(true, false, null),
  },
  { requiredKeys: [] },
)

const members = (...names: readonly string[]) =>
  oneof(
    hostile,
    uniqueArray(constantFrom(...names)).chain((some) =>
      record(Object.fromEntries(some.map((name) => [name, number]))),
    ),
  )
const usage = oneof(
  record(
    {
      prompt_tokens: number,
      completion_tokens: number,
      total_tokens: number,
      cached_tokens: number,
      prompt_cache_hit_tokens: number,
      prompt_tokens_details: members('cached_tokens', 'cache_creation_input_tokens'),
      completion_tokens_details: members('reasoning_tokens'),
    },
    { requiredKeys: [] },
  ),
  dictionary(constantFrom('prompt_tokens', 'completion_tokens', '__proto__'), hostile),
  constantFrom(undefined),
)

const cases = record({
  model: constantFrom(...models),
  over: fields,
  reported: usage,
  outcome: constantFrom(...(Object.keys(outcomes) as Outcome[])),
  answerBytes: oneof(nat(100_000), constantFrom(2 ** 31, 2 ** 53 - 1)),
})
type Case = typeof cases extends Arbitrary<infer Value> ? Value : never

interface Bounded {
  readonly limit: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly promptBytes: number
  readonly sent: Readonly<Record<string, unknown>>
}

/** A request as it is bounded before it is held for; undefined where it is refused in our own words. */
function bounded(model: (typeof models)[number], over: object): Bounded | undefined {
  try {
    const request = readChatRequest({ fields: { model: model.id, messages, ...over }, bytes: 500 })
    refuseUnpriced(model, request)
    const limit = Math.min(request.maxTokensAsked ?? model.defaultOutput, model.maxOutput)
    return {
      limit,
      promptTokens: promptBound(request.prompt, model.context),
      outputTokens: limit * outputPerLimit(model, request),
      promptBytes: request.prompt.bytes,
      sent: JSON.parse(
        upstreamBody(
          model,
          model.routes[0]!,
          { ...request, fields: { messages, ...withoutBigInt(over) } },
          limit,
          'account-1',
        ).body,
      ) as Bounded['sent'],
    }
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return undefined
    throw error
  }
}

/** JSON, where requests come from, has no bigint, no functions and no cycles. */
const withoutBigInt = (over: object): Record<string, unknown> =>
  Object.fromEntries(
    numberFields.flatMap((name) => {
      const value = (over as Record<string, unknown>)[name]
      return typeof value === 'bigint' || typeof value === 'object' ? [] : [[name, value]]
    }),
  )

/** What a request comes to: refused, or its bill beside what is held for it. */
function outcomeOf({ model, over, reported, outcome, answerBytes }: Case) {
  const asked = bounded(model, over)
  if (!asked) return undefined
  const { limit, promptTokens, outputTokens, promptBytes, sent } = asked
  const price = model.prices[0]!
  const hold = mostExpensive(price, { inputTokens: promptTokens, outputTokens })
  const made = bill({
    outcome,
    reported: readUsage(reported),
    family: model.family,
    promptBytes,
    answerBytes,
    limit,
    most: { prompt: promptTokens, output: outputTokens },
  })
  return {
    isLimited: Number.isSafeInteger(limit) && limit > 0 && limit <= model.maxOutput,
    limitSent: (sent['max_completion_tokens'] ?? sent['max_tokens']) === limit,
    areCounts: Object.values(made.usage).every(
      (count) => Number.isSafeInteger(count) && count >= 0,
    ),
    isHeld: dueFor(made, price, hold) >= 0n && dueFor(made, price, hold) <= hold,
  }
}

test('no number in a request or a report makes a cost outside of 0 to what is held', () => {
  let refused = 0
  const sound = { isLimited: true, limitSent: true, areCounts: true, isHeld: true }
  assert(
    property(cases, (one) => {
      const found = outcomeOf(one)
      refused += found ? 0 : 1
      expect(found ?? sound).toEqual(sound)
    }),
    { numRuns: RUNS },
  )
  // Neither half of it is empty.
  expect(refused).toBeGreaterThan(RUNS / 5)
  expect(refused).toBeLessThan((RUNS * 4) / 5)
})
