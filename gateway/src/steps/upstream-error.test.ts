import { describe, expect, test } from 'vitest'
import { noAnswer, upstreamError } from './upstream-error.ts'

const failed = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  upstreamError(
    'deepseek',
    status,
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    headers,
  )

const shown = (...of: Parameters<typeof failed>) => failed(...of).shown

const openai = (message: string, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', param: null, code },
})

describe('what is wrong with the request is told', () => {
  test.each([
    [400, openai('temperature must be at most 2')],
    [400, { code: 'InvalidParameter', message: 'temperature must be at most 2' }],
    [413, openai('temperature must be at most 2')],
    [422, openai('temperature must be at most 2')],
  ])('%i', (status, body) => {
    const error = shown(status, body)
    expect(error).toMatchObject({ code: 'upstream_rejected', status: 400 })
    expect(failed(status, body).fault).toBe('request')
    expect(error.message).toBe(
      'The model provider refused the request: temperature must be at most 2',
    )
  })

  test.each([['not JSON'], ['null'], ['[]'], ['{"error":{"message":{}}}'], ['']])(
    'without the provider’s words where there are none: %s',
    (body) => {
      expect(shown(400, body).message).toBe('The model provider refused the request.')
    },
  )

  test('no longer than anyone reads', () => {
    expect(shown(400, openai('x'.repeat(100_000))).message.length).toBeLessThan(600)
  })
})

describe('what is the operator’s is never shown', () => {
  test.each([
    [401, openai('Incorrect API key provided: sk-abc***')],
    [402, openai('Insufficient Balance')],
    [403, openai('Your account has been suspended')],
    [400, { code: 'Arrearage', message: 'Access denied, your account is in arrears' }],
    [400, openai('Access denied.', 'Arrearage')],
    [400, openai('Incorrect API key: sk-12345')],
    [400, openai('Key sk-12345 may not use this')],
    [400, openai('Insufficient balance, please recharge')],
    [400, openai('You exceeded your current quota')],
    [400, openai('您的账户已欠费，请充值后重试')],
    [400, openai('余额不足')],
    [404, openai('The model ep-2024 does not exist')],
    [500, openai('stack trace')],
    [503, 'secret'],
  ])('%i %j', (status, body) => {
    const error = shown(status, body)
    expect(error).toMatchObject({ code: 'upstream_unavailable', status: 503 })
    expect(failed(status, body).fault).toBe(status >= 500 ? 'overload' : 'ours')
    expect(error.headers['retry-after']).toBe('5')
    expect(JSON.stringify(error)).not.toMatch(
      /sk-|account|账户|余额|Arrear|arrear|ep-2024|secret|quota/,
    )
  })
})

describe('a provider’s load', () => {
  test.each([
    ['its own seconds', { 'retry-after': '7' }, '7'],
    ['at most a minute', { 'retry-after': '86400' }, '60'],
    ['5 where there is none', {}, '5'],
    ['5 for a date', { 'retry-after': 'Mon, 23 Nov 2026 21:00:00 GMT' }, '5'],
    ['5 for a broken number', { 'retry-after': '1.5' }, '5'],
    ['5 for none to wait', { 'retry-after': '0' }, '5'],
    ['5 for a negative', { 'retry-after': '-3' }, '5'],
  ])('says to wait %s', (_name, headers, seconds) => {
    const error = shown(429, openai('max organization concurrency: 3, org-abc'), headers)
    expect(error).toMatchObject({ code: 'load_protection', status: 429 })
    expect(error.headers['retry-after']).toBe(seconds)
    expect(JSON.stringify(error)).not.toContain('org-abc')
  })

  test.each([
    [429, { 'retry-after': '86400' }, 'rate', 86_400_000],
    [429, {}, 'rate', undefined],
    [408, {}, 'overload', undefined],
    [503, { 'retry-after': '2' }, 'overload', 2_000],
    [504, {}, 'overload', undefined],
  ])('of %i, saying %j, is %s for %s ms', (status, headers, fault, retryAfterMs) => {
    expect(failed(status, '', headers)).toMatchObject({ fault, retryAfterMs })
  })
})

test('no answer at all is the connection’s fault', () => {
  const error = noAnswer(new Error('ECONNREFUSED 10.0.0.1'))
  expect(error).toMatchObject({ fault: 'connection', shown: { status: 503 } })
  expect(JSON.stringify(error.shown)).not.toContain('10.0.0.1')
})
