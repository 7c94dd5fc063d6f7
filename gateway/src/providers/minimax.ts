import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** https://platform.minimax.io/docs/api-reference/text-openai-api */
export const minimax: Dialect = {
  ...OPENAI,
  limitField: 'max_completion_tokens',
  // Search was a plugin.
  billed: { ...OPENAI_FIELDS, thinking: 'covered', plugins: 'refused' },
  billsOnCancel: { stream: 'continues', plain: 'continues' },
}
