import { expect, test } from 'vitest'
import { countedParameters, countUsage } from './counted.ts'

test.each([
  [0, 0, 0, 0],
  [1_000, 2_000, 150, 300],
  [6, 7, 0, 1],
  [1_001, 1_006, 150, 150],
])('%i and %i bytes are %i and %i tokens, never rounded up', (prompt, answer, input, output) => {
  expect(countUsage(prompt, answer)).toEqual({
    input,
    cachedInput: 0,
    cacheWrite: 0,
    output,
    thinkingOutput: 0,
  })
})

test('a figure is changed by a new version, since receipts name it', () => {
  expect(countedParameters).toEqual({ version: 1, tokensPerKilobyte: 150 })
})
