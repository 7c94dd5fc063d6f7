import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** Kimi, https://platform.kimi.ai/docs */
export const moonshot: Dialect = {
  ...OPENAI,
  limitField: 'max_completion_tokens',
  billed: { ...OPENAI_FIELDS, thinking: 'covered' },
}
