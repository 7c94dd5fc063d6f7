import { expect, test } from 'vitest'
import { callerPseudonym } from './caller-pseudonym.ts'

test('an account is the same at one key, and nobody’s at another', () => {
  const one = callerPseudonym('key', 'acc_1')
  expect(one).toMatch(/^[0-9a-f]{32}$/)
  expect(callerPseudonym('key', 'acc_1')).toBe(one)
  expect(callerPseudonym('key', 'acc_2')).not.toBe(one)
  expect(callerPseudonym('other', 'acc_1')).not.toBe(one)
})
