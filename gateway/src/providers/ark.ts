import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'

/** Volcengine Ark (Doubao), https://www.volcengine.com/docs/82379/1494384 */
export const ark: Dialect = {
  ...OPENAI,
  // Its max_tokens leaves reasoning out, max_completion_tokens has it in.
  limitField: 'max_completion_tokens',
  billed: {
    ...OPENAI_FIELDS,
    thinking: 'covered',
    // Stored context is billed by the hour.
    caching: 'refused',
    context_id: 'refused',
    previous_response_id: 'refused',
  },
}
