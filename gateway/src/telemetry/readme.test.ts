import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { alertCodes } from './alerts.ts'
import { counters, gauges, histograms } from './metric-table.ts'

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')

test('README tells what to do about every alert, and of no other', () => {
  const table = readme.slice(readme.indexOf('| alert '), readme.indexOf('## Dependencies'))
  const told = [...table.matchAll(/^\| `(\w+)` +\|/gm)]
  expect(told.map(([, code]) => code)).toEqual([...alertCodes])
})

test('README has every metric with its labels, and no other', () => {
  const table = readme.slice(
    readme.indexOf('| metric, `smartoken_…`'),
    readme.indexOf('Alerts are'),
  )
  const rows = [...table.matchAll(/^\| (`.*?) \|(.*)\|$/gm)]
  const names = rows.flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name))
  const metrics = Object.values({ ...counters, ...histograms, ...gauges })
  expect(new Set(names)).toEqual(new Set(metrics.map(([name]) => name)))
  for (const [name, , labels] of metrics) {
    const row = rows.find(([, cell]) => cell!.includes(`\`${name}\``))!
    for (const label of labels as readonly string[]) expect(`${name}: ${row[2]}`).toContain(label)
  }
})
