import type { Usage } from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { readUsage } from './read-usage.ts'

const usage = (over: Partial<Usage>) => ({
  input: 0,
  cachedInput: 0,
  cacheWrite: 0,
  output: 0,
  thinkingOutput: 0,
  ...over,
})

const counts = { prompt_tokens: 100, completion_tokens: 20 }

describe('a usage report', () => {
  test.each([
    ['plain', counts, { input: 100, output: 20 }],
    ['of nothing', { prompt_tokens: 0, completion_tokens: 0 }, {}],
    ['with null details', { ...counts, prompt_tokens_details: null }, { input: 100, output: 20 }],
    [
      'with cached tokens in details',
      { ...counts, prompt_tokens_details: { cached_tokens: 64 } },
      { input: 36, cachedInput: 64, output: 20 },
    ],
    [
      'with cache hits (DeepSeek)',
      { ...counts, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 },
      { input: 36, cachedInput: 64, output: 20 },
    ],
    [
      'with cached tokens in both places: counted once',
      { ...counts, prompt_tokens_details: { cached_tokens: 64 }, prompt_cache_hit_tokens: 64 },
      { input: 36, cachedInput: 64, output: 20 },
    ],
    [
      'with cached tokens at the top (Moonshot)',
      { ...counts, cached_tokens: 64 },
      { input: 36, cachedInput: 64, output: 20 },
    ],
    [
      'with cache writes (DashScope)',
      {
        ...counts,
        prompt_tokens_details: { cached_tokens: 10, cache_creation_input_tokens: 50 },
      },
      { input: 40, cachedInput: 10, cacheWrite: 50, output: 20 },
    ],
    [
      'with reasoning: the whole answer is thinking output',
      { ...counts, completion_tokens_details: { reasoning_tokens: 5 } },
      { input: 100, thinkingOutput: 20 },
    ],
    [
      'with no reasoning in details',
      { ...counts, completion_tokens_details: { reasoning_tokens: 0 } },
      { input: 100, output: 20 },
    ],
    ['wholly cached', { ...counts, cached_tokens: 100 }, { cachedInput: 100, output: 20 }],
  ])('%s is read into disjoint classes', (_name, reported, expected) => {
    expect(readUsage(reported)).toEqual(usage(expected))
  })

  test.each([
    ['empty', {}],
    ['without an answer', { prompt_tokens: 1 }],
    ['negative', { ...counts, prompt_tokens: -1 }],
    ['huge', { ...counts, prompt_tokens: 1e308 }],
    ['infinite', { ...counts, completion_tokens: Number.POSITIVE_INFINITY }],
    ['not a number', { ...counts, completion_tokens: Number.NaN }],
    ['past what a number counts', { ...counts, completion_tokens: 2 ** 53 }],
    ['text', { ...counts, prompt_tokens: '100' }],
    ['broken', { ...counts, prompt_tokens: 99.5 }],
    ['boolean', { ...counts, prompt_tokens: true }],
    ['nested', { ...counts, prompt_tokens: { tokens: 100 } }],
    ['null', { ...counts, prompt_tokens: null }],
    ['more cached than the prompt', { ...counts, cached_tokens: 101 }],
    [
      'more cached and written than the prompt',
      { ...counts, prompt_tokens_details: { cached_tokens: 60, cache_creation_input_tokens: 60 } },
    ],
    ['negative cached', { ...counts, cached_tokens: -1 }],
    [
      'more reasoning than the answer',
      { ...counts, completion_tokens_details: { reasoning_tokens: 21 } },
    ],
  ])('%s is not believed', (_name, reported) => {
    expect(readUsage(reported as Record<string, unknown>)).toBe('unreadable')
  })

  test('that is missing is told from one that makes no sense', () => {
    expect(readUsage(undefined)).toBeUndefined()
  })
})
