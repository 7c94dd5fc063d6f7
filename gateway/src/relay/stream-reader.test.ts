import { describe, expect, test } from 'vitest'
import { StreamReader } from './stream-reader.ts'
import { event, recordedShapes } from './streams.fixture.ts'

/** Reads the pieces and says what was passed on and learnt. */
function read(...pieces: readonly (string | Buffer)[]) {
  const reader = new StreamReader({ provider: 'deepseek', model: 'deepseek-chat' })
  const forwarded = Buffer.concat(pieces.map((piece) => reader.push(Buffer.from(piece))))
  return { ...reader.facts, usageChunk: reader.usageChunk, forwarded: forwarded.toString() }
}

const content = (text: string, more: object = {}) =>
  event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }], ...more })

/** Events compared by what they say: a chunk that carried usage is written anew, with LF. */
const said = (stream: string) => stream.replaceAll('\r\n', '\n')

describe.each(recordedShapes)('a stream of $name', ({ wire, forwarded, usage, finishReason }) => {
  const whole = Buffer.from(wire)

  test('is forwarded but for comments, usage and [DONE], and tells what the bill needs', () => {
    const facts = read(whole)
    expect(said(facts.forwarded)).toBe(said(forwarded))
    expect(facts).toMatchObject({ usage, finishReason, done: true, output: true, error: undefined })
    expect(facts.usageChunk).toMatchObject({ choices: [], usage })
  })

  test('says the same wherever it is cut in two', () => {
    const expected = read(whole)
    for (let at = 1; at < whole.length; at += 1) {
      const facts = read(whole.subarray(0, at), whole.subarray(at))
      expect(facts, `cut at ${at}`).toEqual(expected)
    }
  })

  test('says the same byte by byte', () => {
    const facts = read(...[...whole].map((byte) => Buffer.from([byte])))
    expect(facts).toEqual(read(whole))
  })
})

test('what looks like usage, an end or an error inside text is text', () => {
  const text =
    '"usage":{"prompt_tokens":9} "finish_reason":"stop" "error":{} [DONE]\n\ndata: [DONE]\n\n'
  const sent = content('first') + content(text)
  expect(read(content('first'), content(text))).toMatchObject({
    forwarded: sent,
    usage: undefined,
    finishReason: undefined,
    done: false,
    error: undefined,
  })
})

test('usage in a chunk of its own is kept back whole', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 }
  expect(read(content('a'), event({ choices: [], usage })).forwarded).toBe(content('a'))
})

test('a finishing chunk with usage keeps its choices and what else it says', () => {
  const choices = [{ index: 0, delta: { content: '.' }, finish_reason: 'length' }]
  const { forwarded } = read(
    event({ id: 'x', odd: { kept: 1 }, choices, usage: { prompt_tokens: 1 } }),
  )
  expect(JSON.parse(forwarded.slice('data: '.length))).toEqual({
    id: 'x',
    odd: { kept: 1 },
    choices,
  })
})

test.each([
  ['an error object', { error: { message: 'overloaded', code: 'server_error' } }, 'overload'],
  ['an error text', { error: 'overloaded' }, 'overload'],
  ['an error beside empty choices', { error: { code: 1 }, choices: [] }, 'overload'],
  ['an error by its status', { error: { code: 429, message: 'slow down' } }, 'rate'],
  ['an error of our account', { error: { code: 'invalid_api_key' } }, 'ours'],
  ['an error at the top (DashScope)', { code: 'x', message: 'no' }, 'overload'],
  ['an error in a status (MiniMax)', { base_resp: { status_code: 5 }, choices: null }, 'overload'],
])('%s ends the reading and is not forwarded', (_name, sent, fault) => {
  expect(read(content('a'), event(sent))).toMatchObject({
    forwarded: content('a'),
    error: { name: 'UpstreamError', fault },
  })
})

test('an error member that is null is none', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2 }
  const facts = read(content('a', { error: null }), event({ choices: [], usage, error: null }))
  expect(facts).toMatchObject({ error: undefined, usage })
})

test.each([
  ['only a role', { role: 'assistant', content: '' }, false],
  ['null content', { content: null, reasoning_content: '' }, false],
  ['text', { content: 'a' }, true],
  ['reasoning_content', { reasoning_content: 'a' }, true],
  ['reasoning', { reasoning: 'a' }, true],
  ['a tool call', { tool_calls: [{ index: 0, function: { name: 'f' } }] }, true],
  ['no tool calls', { tool_calls: [] }, false],
])('a delta with %s is output or not', (_name, delta, output) => {
  expect(read(event({ choices: [{ index: 0, delta, finish_reason: null }] })).output).toBe(output)
})

test('data that is no JSON is forwarded as it came', () => {
  expect(read(content('a'), 'data: {"choices": [\n\n').forwarded).toBe(
    `${content('a')}data: {"choices": [\n\n`,
  )
})

test('the answer is measured without parsing every event', () => {
  const texts = Array.from({ length: 400 }, (_, at) => ['你好', 'hello ', '🙂', 'a'][at % 4]!)
  const wire = Buffer.from(texts.map((text) => content(text)).join(''))
  const chunks = Array.from({ length: Math.ceil(wire.length / 1_000) }, (_, at) =>
    wire.subarray(at * 1_000, (at + 1) * 1_000),
  )
  expect(read(...chunks).answerBytes).toBe(Buffer.byteLength(texts.join('')))
})

test('an event that never ends is an error, not memory', () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 'a')
  const reader = new StreamReader({ provider: 'deepseek', model: 'deepseek-chat' })
  reader.push(Buffer.from('data: "'))
  for (let pushed = 0; pushed < 8 && reader.facts.error === undefined; pushed += 1) {
    reader.push(mebibyte)
  }
  expect(reader.facts.error).toBeDefined()
})
