import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
import type { Draft, Message } from './draft.ts'
import { are } from './error-kinds.ts'
import { onlyAutoToolChoice, without, withoutStrictTools } from './messages.ts'

/**
 * https://platform.minimax.io/docs/api-reference/text-openai-api. What it does not take is as AgentScope's formatter for it has
 * it (https://java.agentscope.io/v2/en/integration/model/minimax).
 */
export const minimax: Dialect = {
  ...OPENAI,
  limitField: 'max_completion_tokens',
  // M3 decides by itself how much; the M2 line always thinks and has no switch.
  thinking: (draft) => (draft.model.thinking === 'always' ? {} : typeSwitch(draft, 'adaptive')),
  // Ignored without a word, or (reasoning_split) done by us.
  dropped: [
    'frequency_penalty',
    'presence_penalty',
    'parallel_tool_calls',
    'response_format',
    'seed',
    'reasoning_split',
  ],
  adapt,
  // Search was a plugin.
  billed: { ...OPENAI_FIELDS, thinking: 'covered', plugins: 'refused' },
  billsOnCancel: { stream: 'continues', plain: 'continues' },
  // base_resp.status_code, in an answer of status 200; grouped as aiproxy (aebeb5ec) has it.
  errors: {
    ...are('ours', 1004, 1008, 2049),
    ...are('rate', 1002, 1039, 1041, 2056),
    ...are('filtered', 1026, 1027),
    ...are('rejected', 2013, 1042),
    ...are('overload', 1000, 1001, 1013, 1024, 1033),
  },
  thinkTags: true,
}

function adapt(draft: Draft): void {
  onlyAutoToolChoice(draft)
  draft.drop('tool_choice')
  withoutStrictTools(draft)
  // (0, 1] or up to 2: sources differ, but none has 0.
  if (draft.get('temperature') === 0) draft.map('temperature', 0.01)
  draft.eachMessage(withTags)
}

/** Earlier reasoning goes back the way it came: inside the text. */
function withTags(message: Message): Message {
  const { role, content, reasoning_content: reasoning } = message
  if (role !== 'assistant' || reasoning === undefined) return message
  const rest = without(message, 'reasoning_content')
  const isText = content === undefined || content === null || typeof content === 'string'
  if (typeof reasoning !== 'string' || reasoning === '' || !isText) return rest
  return { ...rest, content: `<think>\n${reasoning}\n</think>\n\n${content ?? ''}` }
}
