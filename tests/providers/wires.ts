import { CACHED, PROMPT, type Call } from './said.ts'
import type { Wire } from './wire.ts'

type Members = Readonly<Record<string, unknown>>
type Message = Members & { readonly role: string }

const messagesOf = (body: Members): readonly Message[] => body['messages'] as Message[]

/** The first of these fields that a body has. */
const anyOf =
  (...fields: readonly string[]) =>
  (body: Members): string | undefined => {
    const found = fields.find((field) => field in body)
    return found && `${found} is not supported`
  }

/** What nobody takes: another's role, two limits, usage of a stream that was not asked for. */
function refusedByAll(body: Members): string | undefined {
  if (messagesOf(body).some(({ role }) => role === 'developer')) return 'unknown role developer'
  if ('max_tokens' in body && 'max_completion_tokens' in body) return 'two limits'
  return undefined
}

const refusing =
  (...reasons: readonly ((body: Members) => string | undefined)[]) =>
  (body: Members): string | undefined => {
    for (const reason of [refusedByAll, ...reasons]) {
      const found = reason(body)
      if (found) return found
    }
    return undefined
  }

const at = (message: Message, member: string): boolean => message[member] !== undefined

/** Ids and names again, but empty, in every further fragment. */
const emptyLater = (calls: readonly Call[]): Members[] =>
  calls.flatMap(({ id, name, arguments: pieces }, index) => [
    { index, id, type: 'function', function: { name, arguments: '' } },
    ...pieces.map((text) => ({
      index,
      id: '',
      type: 'function',
      function: { name: '', arguments: text },
    })),
  ])

const deepseek: Wire = {
  provider: 'deepseek',
  model: 'deepseek-flash',
  upstreamModel: 'deepseek-flash',
  path: '',
  before: { stream: ': keep-alive\n\n: keep-alive\n\n', plain: '\n\n\n' },
  always: { usage: null },
  usageAt: 'last',
  usage: {
    prompt_cache_hit_tokens: CACHED,
    prompt_cache_miss_tokens: PROMPT - CACHED,
  },
  fragments: emptyLater,
  refuses: refusing((body) => {
    const thinks = (body['thinking'] as { type?: string } | undefined)?.type !== 'disabled'
    const forgot = messagesOf(body).some(
      (one) => one.role === 'assistant' && !at(one, 'reasoning_content'),
    )
    if (thinks && forgot)
      return 'The reasoning_content in the thinking mode must be passed back to the API.'
    const format = (body['response_format'] as { type?: string } | undefined)?.type
    return format === 'json_schema' ? 'This response_format type is unavailable now' : undefined
  }),
}

const dashscope: Wire = {
  provider: 'dashscope',
  model: 'qwen-plus',
  upstreamModel: 'qwen-plus',
  path: '/compatible-mode/v1',
  always: { usage: null, system_fingerprint: null },
  // Ends with a stray one.
  fragments: (calls) => [
    ...emptyLater(calls),
    ...(calls.length > 0 ? [{ function: { arguments: '' }, id: '', type: 'function' }] : []),
  ],
  refuses: refusing(anyOf('reasoning_effort', 'thinking', 'frequency_penalty'), (body) =>
    messagesOf(body).some((one) => at(one, 'reasoning_content')) ? 'old reasoning' : undefined,
  ),
  errorBody: (code, message) => ({ code, message, request_id: 'r' }),
}

const zai: Wire = {
  provider: 'zai',
  model: 'glm-4.7',
  upstreamModel: 'glm-4.7',
  path: '/api/paas/v4',
  usageAt: 'last',
  toolFinish: 'stop',
  refuses: refusing(
    anyOf('max_completion_tokens', 'frequency_penalty', 'presence_penalty', 'thinking_budget'),
    (body) => ('tool_choice' in body && body['tool_choice'] !== 'auto' ? 'tool_choice' : undefined),
    (body) => (messagesOf(body).some((one) => at(one, 'name')) ? 'name' : undefined),
    (body) => (JSON.stringify(body['tools'] ?? []).includes('"strict"') ? 'strict' : undefined),
    (body) => (Number(body['temperature'] ?? 0) > 1 ? 'temperature' : undefined),
  ),
}

const ark: Wire = {
  provider: 'ark',
  model: 'doubao-seed-1.6',
  upstreamModel: 'doubao-seed-1-6-250615',
  path: '/api/v3',
  refuses: refusing(anyOf('max_tokens')),
}

export const wires: readonly Wire[] = [
  deepseek,
  dashscope,
  { ...dashscope, provider: 'dashscope-cn', model: 'qwen3-max', upstreamModel: 'qwen3-max' },
  {
    provider: 'moonshot',
    model: 'kimi-k3',
    upstreamModel: 'kimi-k3',
    path: '/v1',
    lineEnd: '\r\n',
    usageAt: 'choice',
    usage: { cached_tokens: CACHED },
    refuses: refusing(
      anyOf('max_tokens', 'temperature', 'top_p', 'presence_penalty', 'frequency_penalty'),
      anyOf('enable_thinking', 'thinking_budget', 'thinking'),
    ),
  },
  zai,
  { ...zai, provider: 'bigmodel', model: 'glm-4.6', upstreamModel: 'glm-4.6' },
  ark,
  // An endpoint of the account's own, and a bot.
  {
    ...ark,
    model: 'doubao-seed-1.6-flash',
    upstreamModel: 'ep-20260101-abcde',
    named: 'ep-20260101-abcde',
    usageAt: 'bot',
  },
  {
    provider: 'minimax',
    model: 'minimax-m2',
    upstreamModel: 'MiniMax-M2',
    path: '/v1',
    reasoning: 'tags',
    usageAt: 'last',
    // Whole, and without an index.
    fragments: (calls) =>
      calls.map(({ id, name, arguments: pieces }) => ({
        id,
        type: 'function',
        function: { name, arguments: pieces.join('') },
      })),
    finally: { base_resp: { status_code: 0, status_msg: '' } },
    refuses: refusing(anyOf('max_tokens', 'reasoning_effort'), (body) =>
      body['temperature'] === 0 ? 'temperature' : undefined,
    ),
    errorBody: (code, message) => ({
      base_resp: { status_code: Number(code), status_msg: message },
    }),
  },
  {
    provider: 'tencent',
    model: 'qwen-flash',
    upstreamModel: 'hy3',
    path: '/v1',
    // An end that is none in every chunk, and the usage so far.
    always: { choice: { finish_reason: '' } },
    usageAt: 'every',
    refuses: refusing(anyOf('enable_thinking', 'thinking_budget')),
  },
  {
    provider: 'qianfan',
    model: 'qwen3.6-plus',
    upstreamModel: 'ernie-5.0',
    path: '/v2',
    // No type, and the id again in each.
    fragments: (calls) =>
      calls.flatMap(({ id, name, arguments: pieces }, index) =>
        pieces.map((text) => ({ index: String(index), id, function: { name, arguments: text } })),
      ),
    refuses: refusing(anyOf('reasoning_effort', 'thinking')),
  },
  {
    provider: 'stepfun',
    model: 'kimi-k2.7-code',
    upstreamModel: 'step-3.7-flash',
    path: '/v1',
    // Whatever reasoning_format says.
    reasoning: 'reasoning',
    usage: { cached_tokens: CACHED },
    // One index for all.
    fragments: (calls) =>
      calls.flatMap(({ id, name, arguments: [first, ...pieces] }) => [
        { index: 0, id, type: 'function', function: { name, arguments: first } },
        ...pieces.map((text) => ({ index: 0, function: { arguments: text } })),
      ]),
    refuses: refusing(anyOf('thinking', 'enable_thinking')),
  },
  {
    provider: 'mimo',
    model: 'deepseek-v4-pro',
    upstreamModel: 'mimo-v2.5-pro',
    path: '/v1',
    refuses: refusing(anyOf('max_tokens', 'reasoning_effort', 'enable_thinking')),
  },
]
