import { describe, expect, test } from 'vitest'
import { dataOf, FrameCutter, framesIn } from './frames.ts'

const bytes = (text: string) => Buffer.from(text)

describe('the frame cutter', () => {
  test.each([
    ['LF', 'data: 你\n\ndata: 好\n\nda', 'data: 你\n\ndata: 好\n\n', 'da'],
    ['CR LF', 'data: 你\r\n\r\ndata: 好\r\n\r\nda', 'data: 你\r\n\r\ndata: 好\r\n\r\n', 'da'],
    ['CR', 'data: 你\r\rdata: 好\r\rda', 'data: 你\r\rdata: 好\r\r', 'da'],
    ['all', 'data: 1\r\r\ndata: 2\n\rdata: 3\r\n\nx', 'data: 1\r\r\ndata: 2\n\rdata: 3\r\n\n', 'x'],
    ['CR that may be half', 'data: 1\r\n\r', '', 'data: 1\r\n\r'],
    ['both', 'data: 1\r\n\ndata: 2\n\r\nx', 'data: 1\r\n\ndata: 2\n\r\n', 'x'],
    ['no blank line', 'data: 1\ndata: 2\n', '', 'data: 1\ndata: 2\n'],
  ])(
    'lets whole frames pass and keeps the start of the next: %s',
    (_ending, sent, passed, kept) => {
      const cutter = new FrameCutter()
      expect(cutter.push(bytes(sent)).toString()).toBe(passed)
      expect(cutter.rest.toString()).toBe(kept)
    },
  )

  test('passes a frame on with the byte that completes it', () => {
    const cutter = new FrameCutter()
    const frame = bytes('data: 你\r\n\r\n')
    const passed = [...frame].map((byte) => cutter.push(Buffer.from([byte])).length)
    expect(passed).toEqual([...Array.from({ length: frame.length - 1 }, () => 0), frame.length])
  })
})

test('frames are cut apart after each blank line', () => {
  const sent = [': hello\n\n', 'event: x\ndata: 1\n\n', 'data: 2\r\n\r\n', 'data: 3\n\n']
  expect([...framesIn(bytes(sent.join('')))].map(String)).toEqual(sent)
})

test.each([
  ['data: 1\n\n', '1'],
  ['data:1\n\n', '1'],
  ['data:  1\n\n', ' 1'],
  ['data: 1\r\n\r\n', '1'],
  ['event: chunk\nid: 7\ndata: 1\n\n', '1'],
  ['data: [\ndata: ]\n\n', '[\n]'],
  [': keep-alive\n\n', undefined],
  ['\n\n', undefined],
])('the data of %j is %j', (frame, data) => {
  expect(dataOf(bytes(frame))).toBe(data)
})
