import type { Outcome } from '@smartoken/prisma/bill'

/** OpenAI's words. */
const KNOWN: ReadonlySet<string> = new Set([
  'stop',
  'length',
  'tool_calls',
  'content_filter',
  'function_call',
])

/** Z.ai's own words for two of them. */
const OTHERS: Readonly<Record<string, string>> = {
  sensitive: 'content_filter',
  model_context_window_exceeded: 'length',
}

/** Answers that were not finished: DeepSeek had no room, Z.ai no network. */
const UNFINISHED: ReadonlySet<string> = new Set(['insufficient_system_resource', 'network_error'])

export const isUnfinished = (reason: string): boolean => UNFINISHED.has(reason)

/**
 * A provider's finish reason as one of OpenAI's; undefined for one that nobody knows. An answer that called tools has ended
 * with them, also where its provider says only that it stopped.
 */
export function knownFinishReason(reason: string, calledTools: boolean): string | undefined {
  if (reason === 'stop' && calledTools) return 'tool_calls'
  return KNOWN.has(reason) ? reason : OTHERS[reason]
}

/** The outcome of an answer that reached its end. */
export const outcomeOfFinish = (reason: string | undefined): Outcome =>
  reason === 'content_filter' ? 'content_filter' : 'completed'
