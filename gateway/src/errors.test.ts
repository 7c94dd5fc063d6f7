import { describe, expect, test } from 'vitest'
import { ApiError, errorCatalog, type ErrorCode } from './errors.ts'

const codes = Object.keys(errorCatalog) as ErrorCode[]

describe('the catalogue of errors', () => {
  test.each(codes)('%s is an OpenAI envelope with a status and a sentence', (code) => {
    const error = new ApiError(code)
    const [status, type, message] = errorCatalog[code]
    expect(error.status).toBe(status)
    expect(error.toJSON()).toEqual({ error: { message, type, param: null, code } })
    expect(message).toMatch(/^[A-Z].*\.$/)
  })
})

test('details are shown, the cause is not', () => {
  const error = new ApiError('insufficient_balance', {
    message: 'Too little.',
    param: 'max_tokens',
    extra: { affordable_tokens: 3 },
    cause: new Error('secret'),
  })
  expect(error.toJSON()).toEqual({
    error: {
      message: 'Too little.',
      type: 'insufficient_quota',
      param: 'max_tokens',
      code: 'insufficient_balance',
      affordable_tokens: 3,
    },
  })
  expect(JSON.stringify(error)).not.toContain('secret')
})
