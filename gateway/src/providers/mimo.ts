import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'

/**
 * Xiaomi MiMo, as models.dev (f3fc6922) records it: Flash does not think where nothing is said, the others do. It has JSON mode
 * without schemas (https://docs.agno.com/models/providers/native/xiaomi/overview). The limit's name, and that it covers
 * reasoning, are [unconfirmed]; no table of errors was found.
 */
export const mimo: Dialect = {
  ...OPENAI,
  limitField: 'max_completion_tokens',
  thinking: (draft) => typeSwitch(draft),
  jsonSchema: false,
  billed: { ...OPENAI_FIELDS, thinking: 'covered' },
}
