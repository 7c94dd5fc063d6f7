import { expect, test } from 'vitest'
import { ThinkSplitter } from './think-splitter.ts'

function split(...pieces: readonly string[]) {
  const splitter = new ThinkSplitter()
  const said = [...pieces.map((piece) => splitter.push(piece)), splitter.end()]
  return {
    reasoning: said.map(({ reasoning }) => reasoning).join(''),
    content: said.map(({ content }) => content).join(''),
  }
}

test.each([
  ['<think>a</think>b', 'a', 'b'],
  ['<think>\n想一想。\n\n</think>\n\n好 🙂\n', '想一想。', '好 🙂\n'],
  ['\n <think>a\n\n b</think> b', 'a\n\n b', 'b'],
  ['<mm:think>a</think></mm:think>b', 'a</think>', 'b'],
  ['<think></think>b', '', 'b'],
  ['<think>a', 'a', ''],
  ['<think>a</thin', 'a</thin', ''],
  ['<think>a < b </ c</think>d', 'a < b </ c', 'd'],
  ['no tags', '', 'no tags'],
  [' <thing> is no tag', '', ' <thing> is no tag'],
  ['<th', '', '<th'],
  ['b <think>is text</think>', '', 'b <think>is text</think>'],
  ['<think>a</think>b<think>c</think>', 'a', 'b<think>c</think>'],
  ['', '', ''],
])('%j is thought as %j and said as %j, wherever it is cut', (text, reasoning, content) => {
  expect(split(text)).toEqual({ reasoning, content })
  expect(split(...text)).toEqual({ reasoning, content })
  for (let at = 1; at < text.length; at += 1) {
    expect(split(text.slice(0, at), text.slice(at))).toEqual({ reasoning, content })
  }
})

test('text is not kept back', () => {
  const splitter = new ThinkSplitter()
  expect(splitter.push('<think>a b')).toEqual({ reasoning: 'a b', content: '' })
  expect(splitter.done).toBe(false)
  expect(splitter.push('</think>c')).toEqual({ reasoning: '', content: 'c' })
  expect(splitter.done).toBe(true)
})
