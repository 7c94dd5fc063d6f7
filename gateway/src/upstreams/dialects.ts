/** How a provider's API differs from OpenAI's, where a request has to. See the decision record on forwarding. */
export interface Dialect {
  /** The field that limits the answer's tokens. */
  readonly limitField: 'max_tokens' | 'max_completion_tokens'
  /**
   * Set where thinking is switched by `enable_thinking` and has a budget of its own beside the limit
   * (https://www.alibabacloud.com/help/en/model-studio/deep-thinking). Thinking then counts twice in a hold.
   */
  readonly thinkingBudget: boolean
}

const OPENAI: Dialect = { limitField: 'max_tokens', thinkingBudget: false }

const dialects: Readonly<Record<string, Dialect>> = {
  // Its max_tokens leaves reasoning out, max_completion_tokens has it in (https://www.volcengine.com/docs/82379/1494384).
  ark: { ...OPENAI, limitField: 'max_completion_tokens' },
  dashscope: { ...OPENAI, thinkingBudget: true },
  minimax: { ...OPENAI, limitField: 'max_completion_tokens' },
  moonshot: { ...OPENAI, limitField: 'max_completion_tokens' },
}

/** The dialect of a provider; OpenAI's own where nothing else is known. */
export const dialectOf = (provider: string): Dialect => dialects[provider] ?? OPENAI
