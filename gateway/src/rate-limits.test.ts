import { describe, expect, test } from 'vitest'
import { formatWait, RateLimits, rateLimitHeaders } from './rate-limits.ts'

test.each([
  [0, '0s'],
  [0.2, '0ms'],
  [17, '17ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [8_640, '8.64s'],
  [59_999, '59.999s'],
  [60_000, '1m0s'],
  [90_951, '1m30.951s'],
  [360_000, '6m0s'],
])('%s ms are written %s', (ms, written) => expect(formatWait(ms)).toBe(written))

const requests = { limit: 60, remaining: 9, resetMs: 50_500 }
const tokens = { limit: 1_000, remaining: 0, resetMs: 75_000 }

describe('headers', () => {
  test('tell what is limited and nothing of what is not', () => {
    expect(rateLimitHeaders(null)).toEqual({})
    expect(rateLimitHeaders({ requests: null, tokens: null })).toEqual({})
    expect(rateLimitHeaders({ requests, tokens: null })).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-reset-requests': '50.5s',
    })
  })
})

describe('what a key was told', () => {
  const at = new Date('2026-11-23T02:00:00Z')
  const later = (ms: number) => new Date(at.getTime() + ms)

  test.each([
    ['at that moment', 0, ['9', '50.5s', '0', '1m15s']],
    ['ten seconds later, filled up so far', 10_000, ['19', '40.5s', '0', '1m5s']],
    ['twenty later', 20_000, ['29', '30.5s', '83', '55s']],
    ['long after', 600_000, ['60', '0s', '1000', '0s']],
    ['by a clock that was put back', -1_000, ['9', '50.5s', '0', '1m15s']],
  ])('is told %s', (_when, ms, told) => {
    const limits = new RateLimits()
    limits.saw('key', { requests, tokens }, at)
    const headers = limits.headersFor('key', later(ms))
    expect([
      headers['x-ratelimit-remaining-requests'],
      headers['x-ratelimit-reset-requests'],
      headers['x-ratelimit-remaining-tokens'],
      headers['x-ratelimit-reset-tokens'],
    ]).toEqual(told)
  })

  test('is forgotten when its limits are gone, and nobody else is told it', () => {
    const limits = new RateLimits()
    limits.saw('key', { requests, tokens }, at)
    expect(limits.headersFor('other', at)).toEqual({})
    limits.saw('key', null, at)
    expect(limits.headersFor('key', at)).toEqual({})
  })
})
