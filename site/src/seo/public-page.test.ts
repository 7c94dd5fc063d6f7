import { expect, test } from 'vitest'
import { isPublicPage } from './public-page.ts'

test.each([
  ['/', true],
  ['/faq', true],
  ['/models/kimi-k2.6', true],
  ['/consoles', true],
  ['/console', false],
  ['/console/keys', false],
  ['/404', false],
])('%s: %s', (path, expected) => expect(isPublicPage(path)).toBe(expected))
