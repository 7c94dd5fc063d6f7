import {
  ARK_FIELDS,
  DASHSCOPE_FIELDS,
  MINIMAX_FIELDS,
  OPENAI_FIELDS,
  THINKING_WITHIN_LIMIT,
  ZAI_FIELDS,
  type BilledFields,
} from './billed-fields.ts'

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

const OPENAI: Dialect = {
  limitField: 'max_tokens',
  thinkingBudget: false,
  billed: OPENAI_FIELDS,
  billsOnCancel: { stream: 'unknown', plain: 'continues' },
}

const billing = (...fields: BilledFields[]): BilledFields =>
  Object.assign({}, OPENAI_FIELDS, ...fields) as BilledFields

const dialects: Readonly<Record<string, Dialect>> = {
  deepseek: {
    ...OPENAI,
    billed: billing(THINKING_WITHIN_LIMIT),
    billsOnCancel: { stream: 'stops', plain: 'continues' },
  },
  dashscope: {
    ...OPENAI,
    thinkingBudget: true,
    billed: billing(DASHSCOPE_FIELDS),
    billsOnCancel: { stream: 'continues', plain: 'continues' },
  },
  moonshot: {
    ...OPENAI,
    limitField: 'max_completion_tokens',
    billed: billing(THINKING_WITHIN_LIMIT),
  },
  zai: { ...OPENAI, billed: billing(THINKING_WITHIN_LIMIT, ZAI_FIELDS) },
  // Its max_tokens leaves reasoning out, max_completion_tokens has it in (https://www.volcengine.com/docs/82379/1494384).
  ark: {
    ...OPENAI,
    limitField: 'max_completion_tokens',
    billed: billing(THINKING_WITHIN_LIMIT, ARK_FIELDS),
  },
  minimax: {
    ...OPENAI,
    limitField: 'max_completion_tokens',
    billed: billing(THINKING_WITHIN_LIMIT, MINIMAX_FIELDS),
    billsOnCancel: { stream: 'continues', plain: 'continues' },
  },
}

/** The dialect of a provider; OpenAI's own where nothing else is known. */
export const dialectOf = (provider: string): Dialect => dialects[provider] ?? OPENAI

/**
 * Fields that are refused, whichever provider would answer: a request may go to another route than the first, and
 * a field that is dropped at one would be believed to work.
 */
export const REFUSED_FIELDS: readonly string[] = [
  ...new Set(
    Object.values(dialects).flatMap(({ billed }) =>
      Object.entries(billed).flatMap(([field, dealing]) => (dealing === 'refused' ? [field] : [])),
    ),
  ),
].toSorted()
