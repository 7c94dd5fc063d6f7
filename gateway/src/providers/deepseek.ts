import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
import type { Draft, Message } from './draft.ts'
import { are } from './error-kinds.ts'
import { contentAsText } from './messages.ts'
import type { Effort } from './thinking.ts'

/** V4 takes low and medium for high and xhigh for max by itself; V4.1 Flash tells low apart. */
const EFFORTS: Readonly<Record<Effort, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'high',
  high: 'high',
  xhigh: 'max',
  max: 'max',
}

/** https://api-docs.deepseek.com, and for what it does not say vercel/ai's deepseek provider (ed857f50). */
export const deepseek: Dialect = {
  ...OPENAI,
  // On where nothing is said, so it is always said.
  thinking: (draft) => ({
    ...typeSwitch(draft),
    ...(draft.thinking.on &&
      draft.thinking.effort && { reasoning_effort: EFFORTS[draft.thinking.effort] }),
  }),
  jsonSchema: false,
  // https://api-docs.deepseek.com/quick_start/rate_limit: it isolates the cache and the queue of an end user.
  userField: 'user_id',
  adapt,
  // Reasoning is within the limit, so whether and how hard a model thinks is covered.
  billed: { ...OPENAI_FIELDS, thinking: 'covered' },
  billsOnCancel: { stream: 'stops', plain: 'continues' },
  // https://api-docs.deepseek.com/quick_start/error_codes goes by status; the codes are those seen beside it.
  errors: are('ours', 'invalid_api_key', 'authentication_error', 'insufficient_balance'),
}

function adapt(draft: Draft): void {
  draft.eachMessage((message) => withReasoning(contentAsText(message, 'tool'), draft.thinking.on))
}

/**
 * A thinking model refuses a conversation in which an answer of its own has no reasoning ("The reasoning_content in the
 * thinking mode must be passed back to the API", https://github.com/vercel/ai/issues/14739). Clients that did not keep it
 * get an empty one.
 */
const withReasoning = (message: Message, thinks: boolean): Message =>
  thinks && message['role'] === 'assistant' && typeof message['reasoning_content'] !== 'string'
    ? { ...message, reasoning_content: '' }
    : message
