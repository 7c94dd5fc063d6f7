import { describe, expect, test } from 'vitest'
import { ToolCallRepair } from './tool-call-repair.ts'

/** The fragments of several events, event by event. */
const repaired = (...events: readonly (readonly unknown[])[]) => {
  const repair = new ToolCallRepair()
  return events.map((fragments) => repair.fragments(fragments))
}

const head = (index: number, id: string, name = 'f', text = '') => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: text },
})
const more = (index: number, text: string) => ({ index, function: { arguments: text } })
const some = expect.stringMatching(/^call_[0-9a-f]{24}$/) as string

describe('fragments of tool calls', () => {
  test('that are sound are left as they are', () => {
    const events = [[head(0, 'a'), head(1, 'b')], [more(1, '{')], [more(0, '')]]
    const found = repaired(...events)
    expect(found.every((fragments, at) => fragments === events[at])).toBe(true)
  })

  test.each<[string, readonly (readonly unknown[])[], readonly (readonly unknown[])[]]>([
    [
      'empty ids and names',
      [[head(0, 'a')], [{ ...head(0, '', '', '{') }], [{ ...head(0, '', '', '') }]],
      [[head(0, 'a')], [{ ...more(0, '{'), type: 'function' }], []],
    ],
    [
      'ids and names again',
      [[head(0, 'a', 'f', '{')], [head(0, 'a', 'f', '}')]],
      [[head(0, 'a', 'f', '{')], [{ ...more(0, '}'), type: 'function' }]],
    ],
    [
      'nulls',
      [[head(0, 'a')], [{ index: 0, id: null, function: { name: null, arguments: '{' } }]],
      [[head(0, 'a')], [more(0, '{')]],
    ],
    [
      'no index',
      [
        [{ ...head(0, 'a'), index: undefined }],
        [{ function: { arguments: '{' } }],
        [{ ...head(0, 'b'), index: undefined }],
      ],
      [[head(0, 'a')], [more(0, '{')], [head(1, 'b')]],
    ],
    [
      'an index that is text',
      [[{ ...head(0, 'a'), index: '0' }], [{ ...more(0, '{'), index: '0' }]],
      [[head(0, 'a')], [more(0, '{')]],
    ],
    [
      'one index for all',
      [[head(0, 'a')], [more(0, '1')], [head(0, 'b')], [more(0, '2')], [head(0, 'a', '', '3')]],
      [
        [head(0, 'a')],
        [more(0, '1')],
        [head(1, 'b')],
        [more(1, '2')],
        [{ ...more(0, '3'), type: 'function' }],
      ],
    ],
    ['indexes from 1', [[head(1, 'a')], [more(1, '{')]], [[head(0, 'a')], [more(0, '{')]]],
    [
      'no id at all',
      [[{ index: 0, function: { name: 'f', arguments: '{' } }]],
      [[head(0, some, 'f', '{')]],
    ],
    [
      'a late name',
      [
        [{ index: 0, id: 'a', function: { arguments: '{' } }],
        [{ index: 0, function: { name: 'f', arguments: '}' } }],
      ],
      [[], [head(0, 'a', 'f', '{}')]],
    ],
    [
      'arguments that are no text',
      [[{ ...head(0, 'a'), function: { name: 'f', arguments: { b: 1 } } }]],
      [[head(0, 'a', 'f', '{"b":1}')]],
    ],
    ['no arguments', [[{ ...head(0, 'a'), function: { name: 'f' } }]], [[head(0, 'a')]]],
  ])('with %s', (_name, events, expected) => {
    expect(repaired(...events)).toEqual(expected)
  })

  test('of which none has a name are no call', () => {
    const repair = new ToolCallRepair()
    expect(repair.fragments([more(0, '{}')])).toEqual([])
    expect(repair.any).toBe(false)
  })
})

test('whole calls get what they lack, and what is none is left alone', () => {
  const repair = new ToolCallRepair()
  const sound = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }
  const calls = [sound, null, 'x']
  expect(repair.whole(calls)).toBe(calls)
  expect(repair.whole([{ function: { name: 'g', arguments: {} } }])).toEqual([
    { id: some, type: 'function', function: { name: 'g', arguments: '{}' } },
  ])
})
