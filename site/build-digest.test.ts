import { loadCatalog } from '@smartoken/prisma/catalog'
import { expect, test } from 'vitest'
import { buildDigest } from './build-digest.ts'
import { readConfiguration } from './src/configuration.ts'

const configuration = readConfiguration({})
const beginnings = loadCatalog().models.flatMap(({ prices }) => prices.map(({ from }) => +from))
const newest = Math.max(...beginnings)

test('a build is stale once a price it announces has begun, and not before', () => {
  const during = buildDigest(configuration, new Date(newest))
  expect(buildDigest(configuration, new Date(newest - 1))).not.toBe(during)
  expect(buildDigest(configuration, new Date(newest + 1))).toBe(during)
})

test.each([{ PUBLIC_URL: 'https://thesmartoken.com' }, { PAYMENT_CHANNELS: 'alipay' }])(
  'a build is stale under %o',
  (env) => {
    const at = new Date(newest)
    expect(buildDigest(readConfiguration(env), at)).not.toBe(buildDigest(configuration, at))
  },
)
