import { expect, test } from 'vitest'
import { replacedAt, rowsLiveAt } from './row.ts'

const row = (from: string, window?: string) => ({ from: new Date(from), window })

const rows = [row('2026-12-01'), row('2026-11-01'), row('2026-10-01'), row('2026-10-01', 'peak')]

test.each([
  ['none before the first', '2026-09-30T23:59:59.999Z', []],
  ['all of the first day from its first instant', '2026-10-01T00:00:00Z', [2, 3]],
  ['those alone until the next', '2026-10-31T23:59:59.999Z', [2, 3]],
  ['the next from then on', '2026-11-01T00:00:00Z', [1]],
  ['the last for good', '2030-01-01T00:00:00Z', [0]],
])('live are %s', (_name, at, places) => {
  expect(rowsLiveAt(rows, new Date(at))).toEqual(places.map((place) => rows[place]))
})

test.each([
  ['2026-10-01', '2026-11-01'],
  ['2026-11-01', '2026-12-01'],
  ['2026-12-01', undefined],
])('the rows from %s are replaced at %s', (from, next) => {
  expect(replacedAt(rows, new Date(from))).toEqual(next && new Date(next))
})
