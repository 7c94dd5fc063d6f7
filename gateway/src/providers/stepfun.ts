import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'
import { are } from './error-kinds.ts'
import type { Effort } from './thinking.ts'

const EFFORTS: Readonly<Record<Effort, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

/** https://platform.stepfun.com/docs. Its models that think always do, as models.dev (f3fc6922) records them. */
export const stepfun: Dialect = {
  ...OPENAI,
  thinking: ({ thinking: { on, effort } }) => ({
    ...(on && effort && { reasoning_effort: EFFORTS[effort] }),
    // Else reasoning comes as `reasoning`, and every event has to be read to rename it.
    ...(on && { reasoning_format: 'deepseek-style' }),
  }),
  billed: { ...OPENAI_FIELDS, web_search: 'refused' },
  // https://platform.stepfun.com/docs/zh/guide/exception goes by status, 451 among them.
  errors: {
    ...are('ours', 'invalid_api_key', 'quota_exceeded'),
    ...are('filtered', 'content_filter', 'censorship_blocked'),
    ...are('rate', 'rate_limited', 'rate_limit_exceeded'),
    ...are('overload', 'engine_overloaded', 'service_unavailable'),
  },
}
