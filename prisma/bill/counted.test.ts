import { expect, test } from 'vitest'
import { families } from '../catalog/model.ts'
import { COUNTED_VERSION, countUsage, tokensPerKilobyte } from './counted.ts'

const delivered = { family: 'glm', limit: 1_000 } as const

test.each([
  [0, 0, 0, 0],
  [1_000, 2_000, 150, 300],
  [6, 7, 0, 1],
  [1_001, 1_006, 150, 150],
])('%i and %i bytes are %i and %i tokens, never rounded up', (prompt, answer, input, output) => {
  expect(countUsage({ ...delivered, promptBytes: prompt, answerBytes: answer }, 1)).toEqual({
    input,
    cachedInput: 0,
    cacheWrite: 0,
    output,
    thinkingOutput: 0,
  })
})

test('a version stays as it was published, since receipts name it', () => {
  const figures = (version: number) => families.map((family) => tokensPerKilobyte(version, family))
  expect(figures(1)).toEqual([180, 175, 150, 150, 150, 150])
})

test('a version that was never published is refused', () => {
  expect(() => tokensPerKilobyte(COUNTED_VERSION + 1, 'qwen')).toThrow(RangeError)
})
