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
