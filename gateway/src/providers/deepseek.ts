import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** https://api-docs.deepseek.com */
export const deepseek: Dialect = {
  ...OPENAI,
  // Reasoning is within the limit, so whether and how hard a model thinks is covered.
  billed: { ...OPENAI_FIELDS, thinking: 'covered' },
  billsOnCancel: { stream: 'stops', plain: 'continues' },
}
