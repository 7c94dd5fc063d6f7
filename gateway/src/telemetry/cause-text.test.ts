import { DatabaseError } from '@smartoken/prisma/database'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../errors.ts'
import { causeText } from './cause-text.ts'

const SECRET = 'sk-live-0123456789'
/** What cannot be told by its looks. */
const TEXT = 'of 0123456789'

describe('what is logged of a cause', () => {
  test('is its name, message and where it was', () => {
    expect(causeText(new TypeError('no reader'))).toMatch(
      /^TypeError: no reader\n {4}at .*cause-text\.test\.ts/,
    )
  })

  test('has the causes behind it, and an end where they go round', () => {
    const first = new Error('first')
    const second = new Error('second', { cause: first })
    expect(causeText(second)).toMatch(/^Error: second[^]*caused by Error: first/)
    first.cause = second
    expect(causeText(second)!.match(/caused by/g)).toHaveLength(3)
  })

  test('names a system’s code', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(causeText(refused)).toMatch(/^Error ECONNREFUSED: connect ECONNREFUSED\n/)
  })

  test.each([
    ['a key', new Error(`Bad key ${SECRET}.`)],
    ['a header', new Error(`Authorization: Bearer ${SECRET}`)],
    ['a key in an address', new Error(`GET http://host/?api_key=${SECRET}`)],
    ['a key far inside', new Error('outer', { cause: new Error(SECRET) })],
    ['a body that is no JSON', jsonError(`{"prompt": ${TEXT}`)],
    ['an upstream’s words', new ApiError('upstream_rejected', { message: `no ${TEXT}` })],
    ['what is no Error', { message: TEXT }],
    ['a text', TEXT],
    ['a code that is none', Object.assign(new Error('x'), { code: TEXT })],
  ])('never has %s', (_name, cause) => {
    const text = causeText(cause)
    expect(text).toMatch(/\S/)
    expect(text).not.toContain('0123')
  })

  test('has no message of an error that quotes a column’s value', () => {
    const error = new DatabaseError(
      'invalid input syntax for type integer: "my prompt"',
      1,
      'error',
    )
    error.code = '22P02'
    expect(causeText(error)).toMatch(/^error 22P02/)
    expect(causeText(error)).not.toContain('prompt')
  })

  test('is of bounded length', () => {
    expect(causeText(new Error('x'.repeat(100_000)))!.length).toBeLessThan(3_000)
  })
})

function jsonError(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}
