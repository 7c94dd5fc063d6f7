import { chat, receiptIn } from '../support/chat.ts'
import type { TestGateway } from '../support/gateway.ts'

/** What of one request is seen from outside, and what it cost. */
export interface Seen {
  readonly status: number
  /** The error's code, whether the answer is one or a stream ends with one. */
  readonly code: string | undefined
  /** Whether the answer was an error, came whole, or ended with an error; or broke a rule of ours. */
  readonly answer: 'error' | 'whole' | 'broken' | `not proper: ${string}`
  /** Bytes of text that came. */
  readonly text: number
  /** The finish reason that came last. */
  readonly finish: string | null | undefined
  readonly outcome: string
  /** nUSD. */
  readonly charge: bigint
  readonly usage: string
  readonly attempts: number
}

/** A prompt of 1,000 bytes with its role: counted as 150 tokens. */
const PROMPT = 'x'.repeat(1_000 - 'roleusercontent'.length)

/** Asks the model with a single route, and tells what comes of it. */
export async function ask(
  gateway: TestGateway,
  kind: 'plain' | 'stream',
  onBytes: () => void = () => {},
): Promise<Seen> {
  const body = {
    model: 'kimi-k2',
    messages: [{ role: 'user', content: PROMPT }],
    max_tokens: 4_096,
    ...(kind === 'stream' && { stream: true, stream_options: { include_usage: true } }),
  }
  const answer = await chat(gateway, body)
  const chunks: Uint8Array[] = []
  for await (const bytes of answer.body!) {
    chunks.push(bytes)
    onBytes()
  }
  const said = told(answer, Buffer.concat(chunks))
  await gateway.quiet()
  const row = await gateway.requestRow(answer.headers.get('x-request-id')!)
  return {
    status: answer.status,
    ...said,
    outcome: row.outcome,
    charge: row.charge,
    usage: [row['usage_source'], row['usage_flag']].filter(Boolean).join(' '),
    attempts: Number(row['attempts']),
  }
}

const NOTHING = { code: undefined, text: 0, finish: undefined }

type Said = Pick<Seen, 'code' | 'answer' | 'text' | 'finish'>

function told(answer: Response, bytes: Buffer): Said {
  const text = bytes.toString('utf8')
  const leak = leakIn(answer, text)
  if (leak) return { ...NOTHING, answer: `not proper: tells ${leak}` }
  if (answer.status !== 200) return { ...NOTHING, code: errorIn(text), answer: 'error' }
  return answer.headers.get('content-type')!.startsWith('text/event-stream')
    ? streamed(text)
    : plain(text)
}

/** What of the upstream's own must never come out, if it does. */
function leakIn(answer: Response, text: string): string | undefined {
  const all = JSON.stringify([...answer.headers]) + text
  return /sk-canary|upstream-key|<html|127\.0\.0\.1|ECONN|UND_ERR|HPE_/.exec(all)?.[0]
}

function errorIn(text: string): string {
  const { error } = JSON.parse(text) as { error: { code: string } }
  return error.code
}

interface Message {
  readonly content?: unknown
  readonly tool_calls?: unknown
}

interface ToolCall {
  readonly index?: unknown
  readonly id?: unknown
  readonly function?: { readonly name?: unknown } | null
}

const bytesOf = (message: Message | null | undefined): number =>
  typeof message?.content === 'string' ? Buffer.byteLength(message.content) : 0

function plain(text: string): Said {
  const { choices } = JSON.parse(text) as {
    choices: { message?: Message | null; finish_reason?: string | null }[]
  }
  const size = choices.reduce((sum, { message }) => sum + bytesOf(message), 0)
  return { code: undefined, answer: 'whole', text: size, finish: choices[0]?.finish_reason }
}

/** A stream's data, which a client reads by the letter of the standard and parses without mercy. */
function streamed(text: string): Said {
  const frames = text.split(/(?:\r\n|\r|\n){2}/).filter((frame) => frame !== '')
  const data = frames.flatMap((frame) => {
    const lines = frame.split(/\r\n|\r|\n/).filter((line) => line.startsWith('data:'))
    return lines.length > 0 ? lines.map((line) => line.slice(5).trimStart()).join('\n') : []
  })
  const ends = data.filter((one) => one === '[DONE]').length
  const chunks = data.filter((one) => one !== '[DONE]').map(chunkIn)
  const errors = chunks.filter((chunk) => chunk.error)
  const choices = chunks.flatMap((chunk) => (Array.isArray(chunk.choices) ? chunk.choices : []))
  const size = choices.reduce((sum, choice) => sum + bytesOf(choice?.delta), 0)
  const finish = choices.findLast((choice) => choice?.finish_reason)?.finish_reason
  const fault =
    faultIn(text, data, chunks) ?? choices.map((choice) => callFault(choice?.delta)).find(Boolean)
  const said = { code: undefined, text: size, finish }
  if (fault) return { ...said, answer: `not proper: ${fault}` }
  if (errors.length === 1) return { ...said, code: errors[0]!.error!.code, answer: 'broken' }
  return { ...said, answer: ends === 1 ? 'whole' : 'not proper: no end' }
}

interface Chunk {
  readonly error?: { readonly code: string }
  readonly usage?: object | null
  readonly choices?: ({ delta?: Message | null; finish_reason?: string | null } | null)[] | null
}

function chunkIn(data: string): Chunk {
  try {
    const value = JSON.parse(data) as unknown
    return typeof value === 'object' && value !== null ? value : { error: { code: 'no chunk' } }
  } catch {
    return { error: { code: `no JSON: ${data.slice(0, 40)}` } }
  }
}

/** Which rule of a stream is broken, if one is: it ends once, says usage once and last, and a receipt only with the end. */
function faultIn(
  text: string,
  data: readonly string[],
  chunks: readonly Chunk[],
): string | undefined {
  const usages = chunks.filter((chunk) => chunk.usage)
  const errors = chunks.filter((chunk) => chunk.error)
  const ended = data.at(-1) === '[DONE]'
  const rules: readonly (readonly [string, boolean])[] = [
    ['[DONE] twice', data.filter((one) => one === '[DONE]').length > 1],
    ['data behind [DONE]', data.includes('[DONE]') && !ended],
    ['an error and [DONE]', errors.length > 0 && ended],
    ['two errors', errors.length > 1],
    [`usage ${usages.length} times`, usages.length !== (ended ? 1 : 0)],
    ['usage not last', ended && usages[0] !== chunks.at(-1)],
    ['usage beside a choice', ended && usages[0]?.choices?.length !== 0],
    ['fields of its own', /^(event|id|retry):/m.test(text)],
    ['an end without receipt', ended !== (receiptIn(text) !== undefined)],
  ]
  return rules.find(([, isBroken]) => isBroken)?.[0]
}

/** What is wrong with the tool calls of a delta, for clients that put them together by index. */
function callFault(delta: Message | null | undefined): string | undefined {
  const calls = delta?.tool_calls
  if (calls === undefined || calls === null) return undefined
  if (!Array.isArray(calls)) return 'tool calls that are no array'
  for (const call of calls as (ToolCall | null)[]) {
    if (!Number.isInteger(call?.index)) return 'a tool call without index'
    if (call!.id === '' || call!.function?.name === '')
      return 'a tool call with an empty id or name'
  }
  return undefined
}
