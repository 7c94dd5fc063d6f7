import type { Usage } from '@smartoken/prisma/catalog'
import { event } from './upstream.ts'

/** One event of a provider's stream, and what it means. */
export interface WireEvent {
  readonly wire: string
  /** The answer's text in it: content, reasoning, a tool's name and arguments. */
  readonly text: string
  /** What of it reaches the client; the wire's own bytes unless said. */
  readonly passed?: string
  readonly finishes?: true
  readonly usage?: true
  readonly done?: true
}

/** A stream in the shape a provider sends it. */
export interface Wire {
  readonly name: string
  readonly model: string
  readonly events: readonly WireEvent[]
  /** What it reports, class by class. */
  readonly usage: Usage
}

const head = { id: 'chat-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'm' }
const DONE: WireEvent = { wire: event('[DONE]'), text: '', passed: '', done: true }
const comment: WireEvent = { wire: ': keep-alive\n\n', text: '', passed: '' }

const SENTENCES = [
  '杭州今天下午有小雨，',
  'with 18–21 °C and a light breeze 🌦️. ',
  '记得带伞！',
  'Then: {"usage":{"prompt_tokens":1}} [DONE]\n\n',
  '完。',
]

/** Reasoning first, `usage: null` in every chunk, the last one with finish reason and usage together. */
function deepseek(): Wire {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  })
  const says = (delta: object, text: string): WireEvent => ({
    wire: event({ ...chunk(delta), usage: null }),
    text,
  })
  const usage = {
    prompt_tokens: 60,
    completion_tokens: 90,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 40 },
    completion_tokens_details: { reasoning_tokens: 25 },
    prompt_cache_hit_tokens: 40,
    prompt_cache_miss_tokens: 20,
  }
  return {
    name: 'DeepSeek',
    model: 'deepseek-chat',
    usage: { input: 20, cachedInput: 40, cacheWrite: 0, output: 0, thinkingOutput: 90 },
    events: [
      comment,
      says({ role: 'assistant', content: null, reasoning_content: '' }, ''),
      ...['用户问天气，', '先想一想。'].map((text) =>
        says({ content: null, reasoning_content: text }, text),
      ),
      ...SENTENCES.map((text) => says({ content: text }, text)),
      comment,
      {
        wire: event({ ...chunk({ content: '' }, 'stop'), usage }),
        text: '',
        passed: event(chunk({ content: '' }, 'stop')),
        finishes: true,
        usage: true,
      },
      DONE,
    ],
  }
}

/** A tool call in fragments, the finish reason in a chunk of its own, then usage without choices. */
function dashscope(): Wire {
  const chunk = (choice: object) =>
    event({ choices: [{ index: 0, logprobs: null, ...choice }], usage: null, ...head })
  const calls = (call: object) =>
    chunk({ delta: { content: null, tool_calls: [call] }, finish_reason: null })
  const fragments = ['{"city": "杭', '州", "days"', ': 3}']
  return {
    name: 'DashScope',
    model: 'qwen-plus',
    usage: { input: 50, cachedInput: 10, cacheWrite: 0, output: 70, thinkingOutput: 0 },
    events: [
      {
        wire: chunk({ delta: { content: '', role: 'assistant' }, finish_reason: null }),
        text: '',
      },
      ...SENTENCES.slice(0, 2).map((text) => ({
        wire: chunk({ delta: { content: text }, finish_reason: null }),
        text,
      })),
      {
        wire: calls({
          index: 0,
          id: 'call_1',
          type: 'function',
          function: { name: 'weather', arguments: '' },
        }),
        text: 'weather',
      },
      ...fragments.map((text) => ({
        wire: calls({ index: 0, id: '', type: 'function', function: { arguments: text } }),
        text,
        passed: calls({ index: 0, type: 'function', function: { arguments: text } }),
      })),
      { wire: chunk({ delta: {}, finish_reason: 'tool_calls' }), text: '', finishes: true },
      {
        wire: event({
          ...head,
          choices: [],
          usage: {
            prompt_tokens: 60,
            completion_tokens: 70,
            total_tokens: 130,
            prompt_tokens_details: { cached_tokens: 10 },
          },
        }),
        text: '',
        passed: '',
        usage: true,
      },
      DONE,
    ],
  }
}

/** Chinese as ASCII, usage inside the choice that finishes, CR LF at line ends. */
function moonshot(): Wire {
  const escaped = (json: string) =>
    json.replace(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  const chunk = (choice: object) =>
    event(escaped(JSON.stringify({ ...head, choices: [{ index: 0, ...choice }] })))
  const windows = (wire: string) => wire.replaceAll('\n', '\r\n')
  const finish = { delta: {}, finish_reason: 'stop' }
  const usage = { prompt_tokens: 55, completion_tokens: 64, total_tokens: 119, cached_tokens: 5 }
  return {
    name: 'Moonshot',
    model: 'kimi-k3',
    usage: { input: 50, cachedInput: 5, cacheWrite: 0, output: 64, thinkingOutput: 0 },
    events: [
      {
        wire: windows(chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null })),
        text: '',
      },
      ...SENTENCES.map((text) => ({
        wire: windows(chunk({ delta: { content: text }, finish_reason: null })),
        text,
      })),
      {
        wire: windows(chunk({ ...finish, usage })),
        text: '',
        passed: chunk(finish),
        finishes: true,
        usage: true,
      },
      { ...DONE, wire: windows(DONE.wire) },
    ],
  }
}

export const wires: readonly Wire[] = [deepseek(), dashscope(), moonshot()]

/** What a stream has said when so many of its bytes have come. */
export interface Prefix {
  /** Bytes that have reached the client. */
  readonly passed: string
  /** Text in them. */
  readonly textBytes: number
  readonly output: boolean
  readonly finished: boolean
  readonly usage: boolean
  readonly done: boolean
}

/** Reads a prefix by the events that are whole in it. */
export function prefixOf({ events }: Wire, bytes: number): Prefix {
  let at = 0
  const whole = events.filter(({ wire }) => (at += Buffer.byteLength(wire)) <= bytes)
  const output = whole.some(({ text }) => text !== '')
  const has = (mark: 'finishes' | 'usage' | 'done') => whole.some((one) => one[mark])
  return {
    passed: output ? whole.map(({ wire, passed }) => passed ?? wire).join('') : '',
    textBytes: Buffer.byteLength(whole.map(({ text }) => text).join('')),
    output,
    finished: has('finishes'),
    usage: has('usage'),
    done: has('done'),
  }
}
