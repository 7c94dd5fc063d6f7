import { describe, expect, test } from 'vitest'
import { bytesWith, mostTokensIn } from './output-bound.ts'

describe('the most an answer can be billed for', () => {
  test.each([
    [0, 100],
    [1, 101],
    [2, 101],
    [3, 102],
    [8_192, 4_196],
  ])('of %i bytes is %i tokens', (bytes, tokens) => {
    expect(mostTokensIn(bytes)).toBe(tokens)
  })

  test.each([102, 103, 2_048, 4_096, 384_000])('is first %i tokens at the bytes said', (tokens) => {
    const bytes = bytesWith(tokens)
    expect(mostTokensIn(bytes)).toBeGreaterThanOrEqual(tokens)
    expect(mostTokensIn(bytes - 1)).toBeLessThan(tokens)
  })

  test.each([0, 1, 100])('is %i tokens before the first byte', (tokens) => {
    expect(bytesWith(tokens)).toBe(0)
  })
})
