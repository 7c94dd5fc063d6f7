import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'
import { are } from './error-kinds.ts'

/** Baidu Qianfan v2, https://cloud.baidu.com/doc/qianfan-api. Its thinking switch is [unconfirmed], as is that reasoning is within the limit. */
export const qianfan: Dialect = {
  ...OPENAI,
  thinking: ({ model, thinking }) =>
    model.thinking === 'always' ? {} : { enable_thinking: thinking.on },
  billed: {
    ...OPENAI_FIELDS,
    thinking: 'covered',
    enable_thinking: 'covered',
    web_search: 'refused',
  },
  // The first two as aiproxy (aebeb5ec) has them, the others [unconfirmed].
  errors: {
    ...are('filtered', 'system_unsafe', 'unsafe_request'),
    ...are('ours', 'invalid_iam_token', 'invalid_appId', 'account_overdue', 'access_denied'),
    ...are('rate', 'rpm_rate_limit_exceeded', 'tpm_rate_limit_exceeded'),
    ...are('overload', 'internal_error', 'dispatch_internal_error', 'server_error'),
  },
}
