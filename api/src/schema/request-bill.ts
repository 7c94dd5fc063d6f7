import { nanoUsd } from '@smartoken/prisma/money'
import { builder } from '../builder.ts'
import { Request } from './request.ts'

// What a request used, and what that cost.
builder.prismaObjectFields(Request, (t) => ({
  inputTokens: t.int({
    description: 'Input tokens that were neither read from nor written to a cache.',
    select: { inputTokens: true },
    resolve: ({ inputTokens }) => tokenCount(inputTokens),
  }),
  cachedInputTokens: t.int({
    description: "Input tokens read from the provider's cache.",
    select: { cachedInputTokens: true },
    resolve: ({ cachedInputTokens }) => tokenCount(cachedInputTokens),
  }),
  cacheWriteTokens: t.int({
    description: "Input tokens written to the provider's cache.",
    select: { cacheWriteTokens: true },
    resolve: ({ cacheWriteTokens }) => tokenCount(cacheWriteTokens),
  }),
  outputTokens: t.int({
    description: 'Output tokens of an answer without thinking.',
    select: { outputTokens: true },
    resolve: ({ outputTokens }) => tokenCount(outputTokens),
  }),
  thinkingOutputTokens: t.int({
    description: 'Output tokens of an answer with thinking on, reasoning and text together.',
    select: { thinkingOutputTokens: true },
    resolve: ({ thinkingOutputTokens }) => tokenCount(thinkingOutputTokens),
  }),
  usageSource: t.exposeString('usageSource', {
    description: 'Where the token counts are from: `provider`, `counted` by us, or `none`.',
  }),
  usageFlag: t.exposeString('usageFlag', {
    nullable: true,
    description:
      'Why tokens were counted where a report was due: `usage_missing` or `usage_implausible`.',
  }),
  priceId: t.exposeString('priceId', { description: 'The price it was charged by.' }),
  charge: t.field({
    type: 'Usd',
    description: 'What it cost you.',
    select: { charge: true },
    resolve: ({ charge }) => nanoUsd(charge),
  }),
  excused: t.field({
    type: 'Usd',
    description: 'What was due and excused, because the provider broke off.',
    select: { excused: true },
    resolve: ({ excused }) => nanoUsd(excused),
  }),
  shortfall: t.field({
    type: 'Usd',
    description: 'What was due and your wallet could not cover. You do not owe it.',
    select: { shortfall: true },
    resolve: ({ shortfall }) => nanoUsd(shortfall),
  }),
  refunded: t.field({
    type: 'Usd',
    description: 'What of the charge was given back since.',
    select: { refunded: true },
    resolve: ({ refunded }) => nanoUsd(refunded),
  }),
}))

/** @throws RangeError rather than to round: a count past 2^53 is no count of tokens. GraphQL refuses past 2^31. */
function tokenCount(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`${count} tokens cannot be right`)
  return Number(count)
}
