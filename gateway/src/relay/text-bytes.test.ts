import { describe, expect, test } from 'vitest'
import { answerBytes, readChunk } from './chunk.ts'
import { TELLING, textBytesIn } from './text-bytes.ts'
import { event } from './streams.fixture.ts'

const delta = (value: object) => event({ choices: [{ index: 0, delta: value }] })

/** What parsing says. */
const parsed = (wire: string): number =>
  answerBytes(readChunk(wire.slice('data: '.length)) ?? { choices: [] })

describe('the text bytes of an event', () => {
  test.each([
    ['text', delta({ content: 'hello' }), 5],
    ['Chinese', delta({ content: '你好' }), 6],
    ['an emoji', delta({ content: '👋🏽' }), 8],
    [
      'Chinese that is escaped',
      String.raw`data: {"choices":[{"delta":{"content":"\u4f60\u597D"}}]}`,
      6,
    ],
    [
      'an emoji that is escaped',
      String.raw`data: {"choices":[{"delta":{"content":"\ud83d\udc4b"}}]}`,
      4,
    ],
    ['half an emoji', String.raw`data: {"choices":[{"delta":{"content":"\ud83d"}}]}`, 3],
    [
      'ASCII that is escaped',
      String.raw`data: {"choices":[{"delta":{"content":"\u0041\u00e9"}}]}`,
      3,
    ],
    ['quotes and line ends', delta({ content: '"\n\\\t' }), 4],
    ['member names in a text', delta({ content: '"content":"no","arguments":"no"' }), 31],
    [
      'nulls',
      delta({ content: 'a', tool_calls: null, reasoning: null, error: null, usage: null }),
      1,
    ],
    ['no calls', delta({ content: 'a', tool_calls: [] }), 1],
    [
      'an end that is none',
      event({ choices: [{ delta: { content: 'a' }, finish_reason: null }] }),
      1,
    ],
    ['reasoning', delta({ content: null, reasoning_content: '想一想' }), 9],
    ['spaces after names', 'data: {"choices": [{"delta": {"content": "abc"}}]}', 3],
    [
      'probabilities',
      event({ choices: [{ delta: { content: 'a' }, logprobs: { content: [{ token: 'a' }] } }] }),
      1,
    ],
    ['no text', delta({ role: 'assistant' }), 0],
  ])('%s', (_name, wire, bytes) => {
    expect(textBytesIn(Buffer.from(wire))).toBe(bytes)
    expect(parsed(wire)).toBe(bytes)
  })

  test('are what parsing says, whatever the text', () => {
    const alphabet = [
      'a',
      '"',
      '\\',
      '\n',
      '\u0000',
      'é',
      '你',
      '👋',
      '\u{d83d}',
      '\u{dc4b}',
      ':',
      '{',
      'u',
      '"content":"',
    ]
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const text = Array.from(
        { length: seed % 40 },
        (_, at) => alphabet[(seed * 7_919 + at * at * 104_729) % alphabet.length]!,
      ).join('')
      const wire = delta({ content: text, reasoning_content: text.slice(3) })
      expect([wire, textBytesIn(Buffer.from(wire))]).toEqual([wire, parsed(wire)])
    }
  })

  test.each([
    ['usage', event({ usage: { prompt_tokens: 1 } })],
    ['usage behind a space', 'data: {"usage" : {"prompt_tokens": 1}}'],
    ['a finish reason', event({ choices: [{ finish_reason: 'stop' }] })],
    ['an error', event({ error: 'no' })],
    ['a status', event({ base_resp: { status_code: 0 } })],
    ['a bot’s usage', event({ bot_usage: {} })],
    ['the other reasoning', delta({ reasoning: 'hm' })],
    ['a tool call', delta({ tool_calls: [{ index: 0 }] })],
    ['[DONE]', 'data: [DONE]\n\n'],
    ['[DONE] behind text', `${delta({ content: 'a' })}data:[DONE]\n\n`],
    ['a comment', `: a\n\n${delta({ content: 'a' })}`],
    ['a comment behind text', `${delta({ content: 'a' })}: a\n\n`],
    ['a comment behind CR', 'data: {}\r\r: a\r\r'],
    ['no JSON', 'data: {"a": "b\n\ndata: {"content":"c"}\n\n'],
  ])('%s has to be read', (_name, wire) => {
    expect(textBytesIn(Buffer.from(wire))).toBe(TELLING)
  })

  test('are summed over events', () => {
    expect(textBytesIn(Buffer.from(delta({ content: '你' }) + delta({ content: 'a' })))).toBe(4)
  })
})
