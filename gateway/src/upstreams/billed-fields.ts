/**
 * How a request field that changes what a provider bills us is dealt with, so that none raises our cost without
 * raising what is held and charged:
 *
 * - `refused`: 400 `unsupported_parameter`, since no price row covers it;
 * - `single`: likewise, but for the 1 that changes nothing;
 * - `functions`: tools that are functions are text of the prompt; any other kind is refused;
 * - `held`: the hold grows with it;
 * - `covered`: what it can add is within the limit or the media maximum that is held for whether it is set or not;
 * - `priced`: as cache writes, where the model's price has them; else refused.
 */
export type Dealing = 'refused' | 'single' | 'functions' | 'held' | 'covered' | 'priced'

export type BilledFields = Readonly<Record<string, Dealing>>

/** What any API shaped like OpenAI's may have (https://platform.openai.com/docs/api-reference/chat/create). */
export const OPENAI_FIELDS: BilledFields = {
  messages: 'held',
  tools: 'functions',
  functions: 'held',
  response_format: 'held',
  max_tokens: 'held',
  max_completion_tokens: 'held',
  reasoning_effort: 'covered',
  n: 'single',
  audio: 'refused',
  best_of: 'refused',
  modalities: 'refused',
  prediction: 'refused',
  prompt_cache_retention: 'refused',
  service_tier: 'refused',
  web_search_options: 'refused',
  cache_control: 'priced',
}

/** Reasoning is within the limit, so whether and how hard a model thinks is covered. */
export const THINKING_WITHIN_LIMIT: BilledFields = { thinking: 'covered' }

/** https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference: search, tools and sight by fields of its own. */
export const DASHSCOPE_FIELDS: BilledFields = {
  enable_thinking: 'held',
  thinking_budget: 'covered',
  vl_high_resolution_images: 'covered',
  enable_search: 'refused',
  search_options: 'refused',
  enable_code_interpreter: 'refused',
  plugins: 'refused',
}

/** https://www.volcengine.com/docs/82379/1494384: stored context is billed by the hour. */
export const ARK_FIELDS: BilledFields = {
  caching: 'refused',
  context_id: 'refused',
  previous_response_id: 'refused',
}

/** https://docs.z.ai/api-reference/llm/chat-completion: search is a tool there, and was a field. */
export const ZAI_FIELDS: BilledFields = { web_search: 'refused' }

/** https://platform.minimax.io/docs/api-reference/text-openai-api: search was a plugin. */
export const MINIMAX_FIELDS: BilledFields = { plugins: 'refused' }
