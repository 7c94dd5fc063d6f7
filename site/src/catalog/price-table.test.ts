import type { Rates, Window } from '@smartoken/prisma/catalog'
import { rate } from '@smartoken/prisma/money'
import { expect, test } from 'vitest'
import { priceTable } from './price-table.ts'

const AT = new Date('2026-11-23T00:00:00Z')
const peak: Window = {
  id: 'peak',
  name: 'Peak hours',
  zone: 'Asia/Shanghai',
  weekdays: [1, 2, 3, 4, 5],
  hours: [{ from: 540, until: 720 }],
  except: [],
  source: { url: 'https://example.com/', read: '2026-11-01', note: undefined },
}
const windows = new Map([['peak', peak]])

test('a price without conditions is one line, its classes folded into three columns', () => {
  const rows = [{ window: undefined, tiers: [{ upTo: undefined, rates: rates('1', '0.1', '2') }] }]
  const { columns, groups } = priceTable({ windows }, rows, AT)
  expect(columns).toEqual([
    { label: 'Input', classes: ['input', 'cacheWrite'] },
    { label: 'Cached input', classes: ['cachedInput'] },
    { label: 'Output', classes: ['output', 'thinkingOutput'] },
  ])
  expect(groups).toMatchObject([
    { window: 'none', label: undefined, lines: [{ label: 'All requests', tier: 'open' }] },
  ])
  expect(groups[0]?.lines[0]?.cells.map(({ rate }) => rate)).toEqual(['1.00', '0.10', '2.00'])
})

test('a class that differs in one line only has a column of its own', () => {
  const plain = rates('1', '0.1', '2')
  const rows = [
    {
      window: undefined,
      tiers: [
        { upTo: 1000, rates: plain },
        {
          upTo: undefined,
          rates: { ...plain, cacheWrite: rate('1.25'), thinkingOutput: rate('4') },
        },
      ],
    },
  ]
  const { columns, groups } = priceTable({ windows }, rows, AT)
  expect(columns.map(({ label }) => label)).toEqual([
    'Input',
    'Cached input',
    'Cache write',
    'Output',
    'Output with thinking on',
  ])
  expect(groups[0]?.lines.map(({ cells }) => cells.map(({ rate }) => rate))).toEqual([
    ['1.00', '0.10', '1.00', '2.00', '2.00'],
    ['1.00', '0.10', '1.25', '2.00', '4.00'],
  ])
})

test('tiers are told by the prompts they take', () => {
  const tiers = [{ upTo: 32_768 }, { upTo: 131_072 }, { upTo: undefined }].map(({ upTo }) => ({
    upTo,
    rates: rates('1', '1', '1'),
  }))
  const { groups } = priceTable({ windows }, [{ window: undefined, tiers }], AT)
  expect(groups[0]?.lines.map(({ label, tier }) => [tier, label])).toEqual([
    ['32768', 'Prompts up to 32,768 tokens'],
    ['131072', 'Prompts of 32,769 to 131,072 tokens'],
    ['open', 'Prompts over 131,072 tokens'],
  ])
})

test('each window is a group after the base price', () => {
  const tiers = [{ upTo: undefined, rates: rates('1', '1', '1') }]
  const rows = [
    { window: 'peak', tiers },
    { window: undefined, tiers },
  ]
  expect(priceTable({ windows }, rows, AT).groups).toMatchObject([
    { window: 'none', label: 'All other hours', hours: undefined },
    {
      window: 'peak',
      label: 'Peak hours',
      hours: 'Monday to Friday, 09:00–12:00 Asia/Shanghai (UTC+08:00)',
    },
  ])
})

function rates(input: string, cachedInput: string, output: string): Rates {
  return {
    input: rate(input),
    cachedInput: rate(cachedInput),
    cacheWrite: rate(input),
    output: rate(output),
    thinkingOutput: rate(output),
  }
}
