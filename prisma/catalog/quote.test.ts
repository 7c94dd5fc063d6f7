import { assert, date, double, property } from 'fast-check'
import { expect, test } from 'vitest'
import { soundFiles, writeFiles } from './catalog.fixture.ts'
import { loadCatalog, pricesComing, pricesLiveAt, quote } from './index.ts'

const FIRST = new Date('2026-09-01T00:00Z')

/** Prices from 2026-09-01, with a peak in Shanghai, and from 2026-10-20 without. */
function small() {
  const catalog = loadCatalog(writeFiles(soundFiles), new Date('2026-11-01T00:00Z'))
  const model = catalog.models[0]!
  return { catalog, model, quoteAt: (at: string | Date) => quote(catalog, model, new Date(at)) }
}

test.each([
  ['off peak', '2026-09-01T00:30Z', '2026-09-01', '2026-09-01T00:00Z', '2026-09-01T01:00Z'],
  ['at peak', '2026-09-01T01:00Z', '2026-09-01/peak', '2026-09-01T01:00Z', '2026-09-01T04:00Z'],
  ['over a weekend', '2026-09-05T01:30Z', '2026-09-01', '2026-09-04T10:00Z', '2026-09-07T01:00Z'],
  ['before a new row', '2026-10-19T12:00Z', '2026-09-01', '2026-10-19T10:00Z', '2026-10-20T00:00Z'],
  [
    'under a row without windows',
    '2026-10-20T02:00Z',
    '2026-10-20',
    '2026-10-20T00:00Z',
    undefined,
  ],
])('a request %s', (_name, at, row, from, until) => {
  expect(small().quoteAt(at)).toMatchObject({
    price: { id: `small/${row}` },
    from: new Date(from),
    until: until && new Date(until),
  })
})

test('before the first row there is no price', () => {
  expect(() => small().quoteAt('2026-08-31T23:59:59.999Z')).toThrow(
    'small has no price at 2026-08-31T23:59:59.999Z',
  )
})

test('a page shows the live rows and the coming ones', () => {
  const { model } = small()
  const [live, coming] = [new Date('2026-09-10'), new Date('2026-10-20')]
  expect(pricesLiveAt(model, live).map(({ id }) => id)).toEqual([
    'small/2026-09-01',
    'small/2026-09-01/peak',
  ])
  expect(pricesComing(model, live).map(({ id }) => id)).toEqual(['small/2026-10-20'])
  expect(pricesLiveAt(model, coming).map(({ id }) => id)).toEqual(['small/2026-10-20'])
  expect(pricesComing(model, coming)).toEqual([])
})

test('a quote stands unchanged from its first instant to its last, and no longer', () => {
  const { quoteAt } = small()
  const instant = date({
    min: FIRST,
    max: new Date('2026-12-01T00:00Z'),
    noInvalidDate: true,
  })
  assert(
    property(instant, double({ min: 0, max: 1, noNaN: true }), (at, share) => {
      const now = quoteAt(at)
      expect(now.from <= at && (!now.until || at < now.until)).toBe(true)
      const end = now.until ?? new Date('2027-01-01T00:00Z')
      const within = now.from.getTime() + Math.floor(share * (+end - +now.from - 1))
      expect(quoteAt(new Date(within))).toEqual(now)
      const beyond = [...(now.until ? [now.until] : []), new Date(+now.from - 1)]
      for (const instant of beyond.filter((instant) => instant >= FIRST)) {
        expect(quoteAt(instant).price.id).not.toBe(now.price.id)
      }
    }),
  )
})
