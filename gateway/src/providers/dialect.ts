import { OPENAI_FIELDS, type BilledFields } from './billed-fields.ts'
import type { Draft } from './draft.ts'
import type { ErrorKinds } from './error-kinds.ts'

/** Whether a provider goes on billing an answer nobody reads any more. */
export type BillsOnCancel = 'stops' | 'continues' | 'unknown'

/** How a provider's API differs from OpenAI's: what a request to it has to be, and what its answers need. */
export interface Dialect {
  /** The field that limits the answer's tokens. */
  readonly limitField: 'max_tokens' | 'max_completion_tokens'
  /** Whether it takes `stream_options`. One that does not is to report usage unasked. */
  readonly streamOptions: boolean
  /**
   * Set where reasoning has a budget of its own beside the limit, `thinking_budget`
   * (https://www.alibabacloud.com/help/en/model-studio/deep-thinking). Thinking then counts twice in a hold.
   */
  readonly thinkingBudget: boolean
  /** The fields that tell it whether and how to think. Not asked of models that never do. */
  readonly thinking: (draft: Draft) => Readonly<Record<string, unknown>>
  /** Whether it takes a `json_schema`; else it is asked for a `json_object`, and told the schema. */
  readonly jsonSchema: boolean
  /** Fields it refuses, or ignores without saying so. */
  readonly dropped: readonly string[]
  /** Its field for whom a request is made: told a hash of the account, which keeps accounts' caches and queues apart. */
  readonly userField: string | undefined
  /** Whatever else a request has to be. */
  readonly adapt: (draft: Draft) => void
  /** Every field known to change what it bills us. */
  readonly billed: BilledFields
  /**
   * What closing the connection does to the bill, of a stream and of a plain answer. No provider documents it. Where it
   * is said here it is what OpenRouter, which buys of them too, lists
   * (https://openrouter.ai/docs/api-reference/streaming, stored copy read on 2026-11-25); it adds that a plain answer is
   * billed whole everywhere. What is unknown is treated as billed on.
   */
  readonly billsOnCancel: { readonly stream: BillsOnCancel; readonly plain: BillsOnCancel }
  /** Its error codes and types. What is not in it is judged by status and words. */
  readonly errors: ErrorKinds
  /** Whether reasoning comes inside the text, between `<think>` and `</think>`. */
  readonly thinkTags: boolean
  /** Names of models that are an account's own and not to be shown. */
  readonly privateModel: RegExp | undefined
}

/** OpenAI's own, which each provider's is made from. */
export const OPENAI: Dialect = {
  limitField: 'max_tokens',
  streamOptions: true,
  thinkingBudget: false,
  thinking: ({ thinking }) => ({
    reasoning_effort: thinking.on ? thinking.effort : 'none',
  }),
  jsonSchema: true,
  dropped: [],
  userField: undefined,
  adapt: () => {},
  billed: OPENAI_FIELDS,
  billsOnCancel: { stream: 'unknown', plain: 'continues' },
  errors: {},
  thinkTags: false,
  privateModel: undefined,
}

/** Thinking switched by `thinking: {type}`; its other members (Moonshot's `keep`) are passed on as asked. */
export function typeSwitch(draft: Draft, on = 'enabled') {
  const asked = draft.get('thinking')
  const { type: _type, budget_tokens: _budget, ...more } = (asked ?? {}) as Record<string, unknown>
  return { thinking: draft.thinking.on ? { ...more, type: on } : { type: 'disabled' } }
}
