import { expect, test } from 'vitest'
import { safeReturnTo } from './return-to.ts'

const origin = new URL('https://smartoken.example')

test.each([
  ['/console', '/console'],
  ['/', '/'],
  ['/console/keys?new=1#name', '/console/keys?new=1#name'],
  ['/console/%2F%2Fevil.example', '/console/%2F%2Fevil.example'],
  ['/a/../console', '/console'],
  ['/console?next=https://evil.example/', '/console?next=https://evil.example/'],
  ['/@evil.example', '/@evil.example'],
])('%j is a way back', (asked, expected) => {
  expect(safeReturnTo(asked, origin)).toBe(`${origin.origin}${expected}`)
})

test.each([
  undefined,
  '',
  'console',
  '//evil.example',
  '///evil.example',
  '////evil.example/%2e%2e',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/ /evil.example',
  '/\u0000/evil.example',
  '/\u00a0/evil.example',
  '/\u2028/evil.example',
  '/。。/evil.example',
  '/／evil.example',
  '/.//evil.example',
  '/./\\evil.example',
  '/..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/console/..//evil.example',
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'HTTPS://evil.example',
  'http://smartoken.example',
  'https://smartoken.example.evil.example',
  'https://smartoken.example@evil.example',
  'https://smartoken.example:444/',
  'https://smartoken.example/console',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,hello',
  'blob:https://smartoken.example/x',
  'mailto:someone@evil.example',
  'evil.example',
  '@evil.example',
  '?next=//evil.example',
  '#//evil.example',
  '/auth/sign-in',
  '/auth/sign-in?return_to=/auth/sign-in',
  '/console/../auth/sign-out',
])('%j leads to the console', (asked) => {
  expect(safeReturnTo(asked, origin)).toBe('https://smartoken.example/console')
})
