import type { Outcome } from '@smartoken/prisma/bill'

/** What providers call their content filter: OpenAI's word, and Z.ai's. */
const FILTERED = new Set(['content_filter', 'sensitive'])

/** The outcome of an answer that reached its end. */
export const outcomeOfFinish = (reason: string | undefined): Outcome =>
  reason !== undefined && FILTERED.has(reason) ? 'content_filter' : 'completed'
