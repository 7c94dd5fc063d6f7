import type { Usage } from '@smartoken/prisma/catalog'
import { event } from '../support/upstream.ts'

export interface Call {
  readonly id: string
  readonly name: string
  /** JSON, in the pieces it is streamed in. */
  readonly arguments: readonly string[]
}

/** What a model says, whichever provider's shape it is said in. */
export interface Said {
  readonly reasoning?: readonly string[]
  readonly text?: readonly string[]
  readonly calls?: readonly Call[]
}

/** How a provider answers chat requests, plain and streamed. */
export interface Shape {
  readonly provider: string
  /** A model of ours that it serves. */
  readonly model: string
  readonly plain: (said: Said) => object
  /** The events of a stream, `[DONE]` included. */
  readonly stream: (said: Said) => readonly string[]
  /** What it reports for any answer, as it is billed. */
  readonly usage: (said: Said) => Usage
}

const PROMPT = 120
const CACHED = 32
const ANSWER = 75
const REASONING = 25
const DONE = event('[DONE]')

const envelope = { id: 'chatcmpl-1', created: 1_790_000_000, model: 'upstream-model' }
const tokens = { prompt_tokens: PROMPT, completion_tokens: ANSWER, total_tokens: PROMPT + ANSWER }
const nested = { prompt_tokens_details: { cached_tokens: CACHED } }
const reasoned = (said: Said) =>
  said.reasoning && { completion_tokens_details: { reasoning_tokens: REASONING } }

const finishOf = (said: Said): string => (said.calls ? 'tool_calls' : 'stop')

/** The classes of what every shape here reports. */
const billed = (said: Said): Usage => ({
  input: PROMPT - CACHED,
  cachedInput: CACHED,
  cacheWrite: 0,
  output: said.reasoning ? 0 : ANSWER,
  thinkingOutput: said.reasoning ? ANSWER : 0,
})

const plain = (said: Said, usage: object, choiceUsage = {}): object => ({
  ...envelope,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: said.text?.join('') ?? '',
        ...(said.reasoning && { reasoning_content: said.reasoning.join('') }),
        ...(said.calls && {
          tool_calls: said.calls.map((call, index) => ({
            index,
            id: call.id,
            type: 'function',
            function: { name: call.name, arguments: call.arguments.join('') },
          })),
        }),
      },
      finish_reason: finishOf(said),
      ...choiceUsage,
    },
  ],
  usage,
})

const chunkOf =
  (all: object) =>
  (delta: object, finish: string | null = null, choice: object = {}, over: object = {}) =>
    event({
      ...envelope,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finish, ...choice }],
      ...all,
      ...over,
    })

/** Reasoning beside an explicit null of content, `usage: null` in every chunk, usage in the one that finishes. */
const deepseek: Shape = {
  provider: 'DeepSeek',
  model: 'deepseek-flash',
  usage: billed,
  plain: (said) => plain(said, deepseekUsage(said)),
  stream(said) {
    const chunk = chunkOf({ system_fingerprint: 'fp_1', usage: null })
    return [
      ': keep-alive\n\n',
      chunk({
        role: 'assistant',
        content: said.reasoning ? null : '',
        reasoning_content: said.reasoning ? '' : null,
      }),
      ...(said.reasoning ?? []).map((reasoning_content) =>
        chunk({ content: null, reasoning_content }),
      ),
      ...(said.text ?? []).map((content) => chunk({ content, reasoning_content: null })),
      ...(said.calls ?? []).flatMap((call, index) => [
        chunk({
          tool_calls: [
            { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
          ],
        }),
        ...call.arguments.map((piece) =>
          chunk({ tool_calls: [{ index, function: { arguments: piece } }] }),
        ),
      ]),
      chunk(
        { content: '', reasoning_content: null },
        finishOf(said),
        {},
        { usage: deepseekUsage(said) },
      ),
      DONE,
    ]
  },
}

const deepseekUsage = (said: Said) => ({
  ...tokens,
  ...nested,
  ...reasoned(said),
  prompt_cache_hit_tokens: CACHED,
  prompt_cache_miss_tokens: PROMPT - CACHED,
})

/** Ids and names empty in later fragments, a stray fragment at the end, usage in a chunk without choices. */
const dashscope: Shape = {
  provider: 'DashScope',
  model: 'qwen-plus',
  usage: billed,
  plain: (said) => plain(said, { ...tokens, ...nested, ...reasoned(said) }),
  stream(said) {
    const chunk = chunkOf({ system_fingerprint: null, usage: null })
    return [
      chunk({
        role: 'assistant',
        content: said.reasoning ? null : '',
        ...(said.reasoning && { reasoning_content: '' }),
      }),
      ...(said.reasoning ?? []).map((reasoning_content) =>
        chunk({ content: null, reasoning_content }),
      ),
      ...(said.text ?? []).map((content) => chunk({ content, reasoning_content: null })),
      ...(said.calls ?? []).flatMap((call, index) => [
        chunk({
          content: null,
          tool_calls: [
            { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
          ],
        }),
        ...call.arguments.map((piece) =>
          chunk({
            content: null,
            tool_calls: [
              { index, id: '', type: 'function', function: { name: '', arguments: piece } },
            ],
          }),
        ),
      ]),
      ...(said.calls
        ? [
            chunk({
              content: null,
              tool_calls: [
                {
                  index: said.calls.length - 1,
                  id: '',
                  type: 'function',
                  function: { arguments: '' },
                },
              ],
            }),
          ]
        : []),
      chunk({}, finishOf(said)),
      event({
        ...envelope,
        object: 'chat.completion.chunk',
        choices: [],
        usage: { ...tokens, ...nested, ...reasoned(said) },
      }),
      DONE,
    ]
  },
}

/** Usage inside the choice that finishes, the cached count at its top, CR LF at line ends. */
const moonshot: Shape = {
  provider: 'Moonshot',
  model: 'kimi-k3',
  usage: billed,
  plain: (said) => plain(said, { ...tokens, cached_tokens: CACHED, ...reasoned(said) }),
  stream(said) {
    const chunk = chunkOf({})
    return [
      chunk({ role: 'assistant', content: '' }),
      ...(said.reasoning ?? []).map((reasoning_content) => chunk({ reasoning_content })),
      ...(said.text ?? []).map((content) => chunk({ content })),
      ...(said.calls ?? []).map((call, index) =>
        chunk({
          tool_calls: [
            {
              index,
              id: call.id,
              type: 'function',
              function: { name: call.name, arguments: call.arguments.join('') },
            },
          ],
        }),
      ),
      chunk({}, finishOf(said), {
        usage: { ...tokens, cached_tokens: CACHED, ...reasoned(said) },
      }),
      DONE,
    ].map((frame) => frame.replaceAll('\n', '\r\n'))
  },
}

/** All at once in each fragment, usage in a chunk without choices. */
const ark: Shape = {
  provider: 'Volcengine Ark',
  model: 'doubao-seed-1.6',
  usage: billed,
  plain: (said) => plain(said, { ...tokens, ...nested, ...reasoned(said) }),
  stream(said) {
    const chunk = chunkOf({ service_tier: 'default' })
    return [
      ...(said.reasoning ?? []).map((reasoning_content) =>
        chunk({ role: 'assistant', content: '', reasoning_content }),
      ),
      ...(said.text ?? []).map((content) => chunk({ role: 'assistant', content })),
      ...(said.calls ?? []).flatMap((call, index) => [
        chunk({
          role: 'assistant',
          content: '',
          tool_calls: [
            { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
          ],
        }),
        ...call.arguments.map((piece) =>
          chunk({
            role: 'assistant',
            content: '',
            tool_calls: [{ index, function: { arguments: piece } }],
          }),
        ),
      ]),
      chunk({ role: 'assistant', content: '' }, finishOf(said)),
      event({
        ...envelope,
        object: 'chat.completion.chunk',
        choices: [],
        usage: { ...tokens, ...nested, ...reasoned(said) },
      }),
      DONE,
    ]
  },
}

export const shapes: readonly Shape[] = [deepseek, dashscope, moonshot, ark]

/** What a client should show of any of them. */
export const shownUsage = (said: Said) => ({
  input: PROMPT,
  cached: CACHED,
  output: ANSWER,
  reasoning: said.reasoning ? REASONING : 0,
})
