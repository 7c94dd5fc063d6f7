import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
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

/** Tencent TokenHub (Hunyuan 3), as models.dev (f3fc6922) records it. That reasoning is within the limit is [unconfirmed]. */
export const tencent: Dialect = {
  ...OPENAI,
  // Off where nothing is said, and low where it is on.
  thinking: (draft) => ({
    ...typeSwitch(draft),
    ...(draft.thinking.on &&
      draft.thinking.effort && { reasoning_effort: EFFORTS[draft.thinking.effort] }),
  }),
  // enable_enhancement is Hunyuan's search, https://cloud.tencent.com/document/product/1729/111007
  billed: { ...OPENAI_FIELDS, thinking: 'covered', enable_enhancement: 'refused' },
  // Names of the native API's errors [unconfirmed]; no table of the compatible one was found.
  errors: {
    ...are(
      'ours',
      'AuthFailure',
      'ResourceInsufficient',
      'ResourceUnavailable',
      'ResourceNotFound',
    ),
    ...are('rate', 'RequestLimitExceeded', 'LimitExceeded'),
    ...are('overload', 'InternalError'),
  },
}
