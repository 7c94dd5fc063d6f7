import { CACHED, PROMPT, ANSWER, REASONING, reasons, type Call, type Said } from './said.ts'

type Members = Readonly<Record<string, unknown>>

/** How a provider writes: the parts in which dialects differ, filled in as OpenAI has them. */
export interface Wire {
  readonly provider: string
  /** A model of ours, given a route to this provider. */
  readonly model: string
  readonly upstreamModel: string
  /** Path before `/chat/completions`. */
  readonly path: string
  /** The model as the answer names it. */
  readonly named?: string
  readonly lineEnd?: '\r\n'
  /** What comes before a stream's events, and before a plain answer. */
  readonly before?: { readonly stream?: string; readonly plain?: string }
  /** Members of every chunk. */
  readonly always?: Members
  /** How a usage object spells what was cached. */
  readonly usage?: Members
  /** Where a stream's usage is: a chunk of its own unless said. */
  readonly usageAt?: 'last' | 'choice' | 'bot' | 'every'
  readonly reasoning?: 'reasoning' | 'tags'
  /** A call's fragments as deltas; those of OpenAI unless said. */
  readonly fragments?: (calls: readonly Call[]) => readonly Members[]
  /** Its word for the end of an answer with tool calls. */
  readonly toolFinish?: 'stop'
  /** Members of the last chunk, and of a plain answer. */
  readonly finally?: Members
  /** What it does not take of a request: the reason. */
  readonly refuses: (body: Members) => string | undefined
  /** Its error body. */
  readonly errorBody?: (code: string, message: string) => Members
}

const call = (index: number, id: string, name: string, text: string) => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: text },
})

const inFragments = (calls: readonly Call[]): Members[] =>
  calls.flatMap(({ id, name, arguments: pieces }, index) => [
    call(index, id, name, ''),
    ...pieces.map((text) => ({ index, function: { arguments: text } })),
  ])

/** What it reports of an answer. */
export function usageOf({ usage }: Wire, said: Said): Members {
  return {
    prompt_tokens: PROMPT,
    completion_tokens: ANSWER,
    total_tokens: PROMPT + ANSWER,
    ...(usage ?? { prompt_tokens_details: { cached_tokens: CACHED } }),
    ...(reasons(said) && { completion_tokens_details: { reasoning_tokens: REASONING } }),
  }
}

const head = (wire: Wire) => ({
  id: 'chatcmpl-1',
  created: 1_790_000_000,
  model: wire.named ?? wire.upstreamModel,
})

const finishOf = (wire: Wire, said: Said): string =>
  said.calls.length > 0 ? (wire.toolFinish ?? 'tool_calls') : 'stop'

/** A stream as it goes over the wire. */
export function streamOf(wire: Wire, said: Said): string {
  const usage = usageOf(wire, said)
  const { usageAt } = wire
  const chunk = (choice: Members | undefined, more: Members = {}) => ({
    ...head(wire),
    object: 'chat.completion.chunk',
    choices: choice ? [{ index: 0, logprobs: null, ...choice }] : [],
    ...wire.always,
    ...(usageAt === 'every' && { usage }),
    ...more,
  })
  const deltas = [{ role: 'assistant', content: '' }, ...deltasOf(wire, said)]
  const finish = {
    delta: {},
    finish_reason: finishOf(wire, said),
    ...(usageAt === 'choice' && { usage }),
  }
  const events = [
    ...deltas.map((delta) =>
      chunk({ delta, finish_reason: null, ...(wire.always?.['choice'] as Members) }),
    ),
    chunk(finish, {
      ...(usageAt === 'last' && { usage }),
      ...(usageAt === 'bot' && { bot_usage: { model_usage: [{ name: 'm', ...usage }] } }),
      ...wire.finally,
    }),
    ...(usageAt ? [] : [chunk(undefined, { usage })]),
  ].map((event) => JSON.stringify({ ...event, choice: undefined }))
  const lines = [...events, '[DONE]'].map((data) => `data: ${data}\n\n`).join('')
  return ((wire.before?.stream ?? '') + lines).replaceAll('\n', wire.lineEnd ?? '\n')
}

function deltasOf(wire: Wire, said: Said): Members[] {
  const calls = (wire.fragments ?? inFragments)(said.calls)
  return [
    ...reasoningOf(wire, said),
    ...said.text.map((content) => ({ content })),
    ...calls.map((fragment) => ({ content: null, tool_calls: [fragment] })),
  ]
}

/** Reasoning between tags is cut without regard for them. */
function reasoningOf({ reasoning }: Wire, said: Said): Members[] {
  if (reasoning !== 'tags') {
    return said.reasoning.map((text) => ({
      content: null,
      [reasoning ?? 'reasoning_content']: text,
    }))
  }
  if (!reasons(said)) return []
  return tagged(said)
    .match(/.{1,5}/gsu)!
    .map((content) => ({ content }))
}

const tagged = (said: Said): string => `<think>\n${said.reasoning.join('')}\n</think>\n\n`

/** A plain answer as it goes over the wire. */
export function plainOf(wire: Wire, said: Said): string {
  const usage = usageOf(wire, said)
  const { usageAt } = wire
  const choice = { index: 0, message: messageOf(wire, said), finish_reason: finishOf(wire, said) }
  const answer = {
    ...head(wire),
    object: 'chat.completion',
    choices: [usageAt === 'choice' ? { ...choice, usage } : choice],
    ...(usageAt === 'bot' && { bot_usage: { model_usage: [{ name: 'm', ...usage }] } }),
    ...(usageAt !== 'bot' && usageAt !== 'choice' && { usage }),
    ...wire.finally,
  }
  return (wire.before?.plain ?? '') + JSON.stringify(answer)
}

function messageOf({ reasoning }: Wire, said: Said): Members {
  const isTagged = reasoning === 'tags' && reasons(said)
  const text = said.text.join('')
  return {
    role: 'assistant',
    content: said.calls.length > 0 ? null : isTagged ? tagged(said) + text : text,
    ...(reasoning !== 'tags' &&
      reasons(said) && { [reasoning ?? 'reasoning_content']: said.reasoning.join('') }),
    ...(said.calls.length > 0 && { tool_calls: said.calls.map(wholeCall) }),
  }
}

const wholeCall = ({ id, name, arguments: pieces }: Call): Members => ({
  id,
  type: 'function',
  function: { name, arguments: pieces.join('') },
})
