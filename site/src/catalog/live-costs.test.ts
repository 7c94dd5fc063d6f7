import type { CostRow } from '@smartoken/prisma/catalog'
import { expect, test } from 'vitest'
import { liveCosts } from './live-costs.ts'

const costs = [
  cost('2026-12-01', undefined),
  cost('2026-11-01', undefined),
  cost('2026-11-01', 'peak'),
  cost('2026-10-01', undefined),
]

test.each([
  ['2026-11-23', [costs[1], costs[2]]],
  ['2026-11-01', [costs[1], costs[2]]],
  ['2026-12-02', [costs[0]]],
  ['2026-09-30', []],
])('on %s', (day, expected) => expect(liveCosts(costs, new Date(day))).toEqual(expected))

function cost(from: string, window: string | undefined): CostRow {
  const source = { url: 'https://example.com/', read: from, note: undefined }
  return { from: new Date(from), window, currency: 'USD', tiers: [], source }
}
