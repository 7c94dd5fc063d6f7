import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** GLM, https://docs.z.ai/api-reference/llm/chat-completion */
export const zai: Dialect = {
  ...OPENAI,
  // Search is a tool there, and was a field.
  billed: { ...OPENAI_FIELDS, thinking: 'covered', web_search: 'refused' },
}
