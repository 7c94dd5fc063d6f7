import { expect, test } from 'vitest'
import { dollars, words } from './format.ts'

test.each([
  ['0.00', '$0.00'],
  ['0.000143', '$0.000143'],
  ['999.10', '$999.10'],
  ['1234.5678', '$1,234.5678'],
  ['9007199254740993.000000001', '$9,007,199,254,740,993.000000001'],
])('%s is shown as %s', (amount, shown) => expect(dollars(amount)).toBe(shown))

test('a code is read as words', () => {
  expect(words('client_left_before_output')).toBe('Client left before output')
})
