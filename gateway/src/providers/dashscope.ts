import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, type Dialect } from './dialect.ts'
import type { Draft } from './draft.ts'
import { are } from './error-kinds.ts'
import { isEmptyTurn, without } from './messages.ts'
import type { Effort } from './thinking.ts'

/** The largest `thinking_budget` that every model takes (models.dev, Qwen 3.5 and 3.6). */
const MOST_BUDGET = 81_920

/** Tokens of reasoning for an effort, which it has no word for; from high on, all that the limit allows. Our choice. */
const BUDGETS: Readonly<Record<Effort, number>> = {
  minimal: 1_024,
  low: 4_096,
  medium: 16_384,
  high: MOST_BUDGET,
  xhigh: MOST_BUDGET,
  max: MOST_BUDGET,
}

/**
 * Alibaba Cloud Model Studio, https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference; its international and its
 * Chinese endpoint alike.
 */
export const dashscope: Dialect = {
  ...OPENAI,
  thinkingBudget: true,
  thinking,
  // Not among the parameters vercel/ai's alibaba provider (ed857f50) finds supported.
  dropped: ['frequency_penalty'],
  adapt,
  // Search, tools and sight by fields of its own.
  billed: {
    ...OPENAI_FIELDS,
    // Efforts become budgets, and thinking is held for twice.
    reasoning_effort: 'held',
    thinking: 'held',
    enable_thinking: 'held',
    thinking_budget: 'covered',
    vl_high_resolution_images: 'covered',
    enable_search: 'refused',
    search_options: 'refused',
    enable_code_interpreter: 'refused',
    plugins: 'refused',
  },
  billsOnCancel: { stream: 'continues', plain: 'continues' },
  // https://www.alibabacloud.com/help/en/model-studio/error-code
  errors: {
    ...are('rejected', 'InvalidParameter', 'invalid_parameter_error', 'invalid_request_error'),
    ...are('filtered', 'DataInspectionFailed', 'data_inspection_failed'),
    ...are('ours', 'Arrearage', 'InvalidApiKey', 'invalid_api_key', 'AccessDenied'),
    ...are('ours', 'Model.AccessDenied', 'ModelNotFound', 'model_not_found'),
    ...are('rate', 'Throttling', 'limit_requests'),
    ...are('overload', 'ServiceUnavailable', 'InternalError', 'internal_error', 'RequestTimeOut'),
  },
}

/** Said either way, since its models differ in what they do when it is not. */
function thinking({ model, thinking: { on, effort, budget }, limit }: Draft) {
  const asked = budget ?? (effort ? BUDGETS[effort] : MOST_BUDGET)
  const within = { thinking_budget: Math.min(asked, limit, MOST_BUDGET) }
  if (model.thinking === 'always') return within
  return on ? { enable_thinking: true, ...within } : { enable_thinking: false }
}

/** Earlier reasoning is not to be sent back, nor a turn that is empty without it (https://github.com/vercel/ai/issues/18764). */
function adapt(draft: Draft): void {
  draft.eachMessage((message) => {
    if (message['role'] !== 'assistant') return message
    const said = without(message, 'reasoning_content')
    if (said !== message && message['reasoning_content']) draft.report('reasoning_content dropped')
    return isEmptyTurn(said) ? undefined : said
  })
}
