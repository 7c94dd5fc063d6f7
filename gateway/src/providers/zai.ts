import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
import type { Draft } from './draft.ts'
import { are } from './error-kinds.ts'
import { onlyAutoToolChoice, without, withoutStrictTools } from './messages.ts'
import type { Effort } from './thinking.ts'

/** GLM-5.2 and later; 5.3 knows low, high and max, and takes max where nothing is said. */
const EFFORTS: Readonly<Record<Effort, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'high',
  high: 'high',
  xhigh: 'max',
  max: 'max',
}

/**
 * GLM, https://docs.z.ai/api-reference/llm/chat-completion; Z.ai and its Chinese twin BigModel alike. What it does not take is
 * as AgentScope's formatter for it has it (https://java.agentscope.io/v2/en/integration/model/glm). That also leaves out
 * `stream_options`, which Roo Code (cb836567) sends it: it is sent here, since nothing else is known to bring usage for certain.
 */
export const zai: Dialect = {
  ...OPENAI,
  thinking,
  dropped: ['frequency_penalty', 'presence_penalty'],
  userField: 'user_id',
  adapt,
  // Search is a tool there, and was a field.
  billed: { ...OPENAI_FIELDS, thinking: 'covered', web_search: 'refused' },
  // https://docs.z.ai/api-reference/api-code: business codes, whatever the status; 429 may mean no money.
  errors: {
    ...are('ours', 1000, 1001, 1002, 1003, 1004, 1110, 1111, 1112, 1121, 1220, 1311),
    ...are('ours', 1113, 1304, 1308, 1309, 1310),
    // A model that it does not know is one that our catalog names wrongly.
    ...are('ours', 1211, 1221, 1222),
    ...are('rate', 1302, 1303, 1305, 1313),
    ...are('rejected', 1210, 1212, 1213, 1214, 1215, 1231),
    ...are('too_long', 1261),
    ...are('filtered', 1300, 1301),
    ...are('overload', 1120, 1234, 1312, 500, 1100, 1200, 1230),
  },
}

/** Older models have a switch only, 5.2 an effort beside it, 5.3 an effort only: it answers 400 to being switched off. */
function thinking(draft: Draft) {
  const { on, effort } = draft.thinking
  const said = draft.model.thinking === 'always' ? {} : typeSwitch(draft)
  const isGraded = /^glm-(5\.[2-9]|[6-9])/.test(draft.route.upstreamModel)
  return { ...said, ...(on && effort && isGraded && { reasoning_effort: EFFORTS[effort] }) }
}

function adapt(draft: Draft): void {
  onlyAutoToolChoice(draft)
  withoutStrictTools(draft)
  for (const name of ['temperature', 'top_p']) clamp(draft, name)
  draft.eachMessage((message) => without(message, 'name'))
  // Else the arguments of a tool call come in one piece, at the end. https://docs.z.ai/guides/tools/stream-tool: from 4.6 on.
  const streamsTools = draft.get('stream') === true && draft.get('tools') !== undefined
  if (streamsTools && !draft.route.upstreamModel.startsWith('glm-4.5'))
    draft.set('tool_stream', true)
}

/** To [0, 1], which is all it takes. */
function clamp(draft: Draft, name: string): void {
  const asked = draft.get(name)
  if (typeof asked === 'number' && asked > 1) draft.map(name, 1)
}
