import { describe, expect, test } from 'vitest'
import { ApiError } from '../errors.ts'
import { REFUSED_FIELDS } from '../providers/dialect-of.ts'
import { readChatRequest } from './read-chat-request.ts'

const sound = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

const read = (over: object = {}) => readChatRequest({ fields: { ...sound, ...over }, bytes: 60 })

/** The error a body is refused with. */
function refusal(over: object): unknown {
  try {
    read(over)
  } catch (error) {
    if (error instanceof ApiError) return error.toJSON()
    throw error
  }
  return undefined
}

describe('a chat request', () => {
  test.each([
    ['the least there is', {}, { stream: false, usageAsked: false, maxTokensAsked: undefined }],
    ['null for what is not wanted', { stream: null, max_tokens: null, n: null, tools: null }, {}],
    ['a stream', { stream: true }, { stream: true, usageAsked: false }],
    [
      'a stream with usage',
      { stream: true, stream_options: { include_usage: true } },
      { usageAsked: true },
    ],
    ['a limit', { max_tokens: 5 }, { maxTokensAsked: 5 }],
    ['a limit by its newer name', { max_completion_tokens: 6 }, { maxTokensAsked: 6 }],
    ['both limits', { max_tokens: 5, max_completion_tokens: 6 }, { maxTokensAsked: 6 }],
    ['one choice', { n: 1 }, {}],
    ['function tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, {}],
    ['an unpriced field set to null', { service_tier: null }, {}],
    ['fields of tomorrow', { of_tomorrow: { a: 1 } }, {}],
  ])('may be %s', (_name, over, expected) => {
    expect(read(over)).toMatchObject({ model: 'm', fields: { ...sound, ...over }, ...expected })
  })

  test.each<readonly [string, string, object]>([
    ['model', 'invalid_request', { model: undefined }],
    ['model', 'invalid_request', { model: 5 }],
    ['model', 'invalid_request', { model: '' }],
    ['model', 'invalid_request', { model: 'm'.repeat(201) }],
    ['messages', 'invalid_request', { messages: undefined }],
    ['messages', 'invalid_request', { messages: [] }],
    ['messages', 'invalid_request', { messages: 'hi' }],
    ['messages.0', 'invalid_request', { messages: [null] }],
    ['messages.0.role', 'invalid_request', { messages: [{ content: 'hi' }] }],
    ['messages.1.role', 'invalid_request', { messages: [{ role: 'user' }, { role: 1 }] }],
    ['stream', 'invalid_request', { stream: 'true' }],
    ['stream_options', 'invalid_request', { stream_options: [] }],
    ['stream_options.include_usage', 'invalid_request', { stream_options: { include_usage: 1 } }],
    ['max_tokens', 'invalid_request', { max_tokens: 0 }],
    ['max_tokens', 'invalid_request', { max_tokens: -1 }],
    ['max_tokens', 'invalid_request', { max_tokens: 1.5 }],
    ['max_tokens', 'invalid_request', { max_tokens: '5' }],
    ['max_tokens', 'invalid_request', { max_tokens: 2 ** 31 }],
    ['max_tokens', 'invalid_request', { max_tokens: 2 ** 53 }],
    ['max_completion_tokens', 'invalid_request', { max_completion_tokens: 0 }],
    ['max_completion_tokens', 'invalid_request', { max_completion_tokens: 2 ** 31 }],
    ['n', 'unsupported_parameter', { n: 2 }],
    ['tools.0.type', 'unsupported_parameter', { tools: [{ type: 'web_search' }] }],
    [
      'tools.1.type',
      'unsupported_parameter',
      { tools: [{ type: 'function' }, { type: 'builtin_function' }] },
    ],
    ...REFUSED_FIELDS.map((name) => [name, 'unsupported_parameter', { [name]: false }] as const),
  ])('is refused for %s: %s (%j)', (param, code, over) => {
    expect(refusal(over)).toMatchObject({
      error: {
        code,
        param,
        type: 'invalid_request_error',
        message: expect.stringContaining(param),
      },
    })
  })

  test('is measured by its bytes', () => {
    expect(read().prompt).toEqual({ bytes: 17, boundless: false, tokens: 60 + 512 })
  })
})
