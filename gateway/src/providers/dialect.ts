import { OPENAI_FIELDS, type BilledFields } from './billed-fields.ts'

/** Whether a provider goes on billing an answer nobody reads any more. */
export type BillsOnCancel = 'stops' | 'continues' | 'unknown'

/** How a provider's API differs from OpenAI's, where a request has to. See the decision record on forwarding. */
export interface Dialect {
  /** The field that limits the answer's tokens. */
  readonly limitField: 'max_tokens' | 'max_completion_tokens'
  /**
   * Set where thinking is switched by `enable_thinking` and has a budget of its own beside the limit
   * (https://www.alibabacloud.com/help/en/model-studio/deep-thinking). Thinking then counts twice in a hold.
   */
  readonly thinkingBudget: boolean
  /** Every field known to change what it bills us. */
  readonly billed: BilledFields
  /**
   * What closing the connection does to the bill, of a stream and of a plain answer. No provider documents it. Where it
   * is said here it is what OpenRouter, which buys of them too, lists
   * (https://openrouter.ai/docs/api-reference/streaming, stored copy read on 2026-11-25); it adds that a plain answer is
   * billed whole everywhere. What is unknown is treated as billed on.
   */
  readonly billsOnCancel: { readonly stream: BillsOnCancel; readonly plain: BillsOnCancel }
}

/** OpenAI's own, which each provider's is made from. */
export const OPENAI: Dialect = {
  limitField: 'max_tokens',
  thinkingBudget: false,
  billed: OPENAI_FIELDS,
  billsOnCancel: { stream: 'unknown', plain: 'continues' },
}
