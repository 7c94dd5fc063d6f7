import type { Usage } from '@smartoken/prisma/catalog'

/** Usage as a provider reports it; every member is checked before it is believed. */
export type ReportedUsage = Readonly<Record<string, unknown>>

/** The most we believe of one figure; anything larger is a broken report. */
const MOST_TOKENS = 100_000_000

/**
 * Token classes of a usage object in any of the spellings providers use, made disjoint: in every
 * OpenAI-shaped API cached and written tokens are inside `prompt_tokens`.
 * Returns undefined when the object is missing, `unreadable` when it is inconsistent or not made of token counts.
 *
 * - `prompt_tokens_details.cached_tokens`: DashScope, Zhipu, MiniMax, DeepSeek too
 * - `prompt_cache_hit_tokens`: DeepSeek
 * - `cached_tokens` at the top: Moonshot, StepFun
 * - `prompt_tokens_details.cache_creation_input_tokens`: DashScope, explicit caching
 */
export function readUsage(reported: ReportedUsage | undefined): Usage | 'unreadable' | undefined {
  if (!reported) return undefined
  const promptDetails = members(reported['prompt_tokens_details'])
  const answerDetails = members(reported['completion_tokens_details'])
  const prompt = count(reported['prompt_tokens'])
  const answer = count(reported['completion_tokens'])
  const cached = count(
    promptDetails['cached_tokens'] ??
      reported['prompt_cache_hit_tokens'] ??
      reported['cached_tokens'] ??
      0,
  )
  const written = count(promptDetails['cache_creation_input_tokens'] ?? 0)
  const reasoning = count(answerDetails['reasoning_tokens'] ?? 0)
  if ([prompt, answer, cached, written, reasoning].includes(undefined)) return 'unreadable'
  if (cached! + written! > prompt! || reasoning! > answer!) return 'unreadable'
  return {
    input: prompt! - cached! - written!,
    cachedInput: cached!,
    cacheWrite: written!,
    // With thinking on the whole answer, not only its reasoning, is thinking output.
    output: reasoning! > 0 ? 0 : answer!,
    thinkingOutput: reasoning! > 0 ? answer! : 0,
  }
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function count(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_TOKENS
    ? (value as number)
    : undefined
}
