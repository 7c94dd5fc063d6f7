import { assert, date, double, property } from 'fast-check'
import { expect, test } from 'vitest'
import type { Window } from './model.ts'
import { covers, overlap, spanAround } from './window.ts'

const source = { url: 'https://one.example', read: '2026-09-01', note: undefined }

/** 09:00-12:00 and 14:00-18:00 in Shanghai from Monday to Friday, but not on 1 and 2 October 2026. */
const peak: Window = {
  id: 'peak',
  name: 'Peak',
  zone: 'Asia/Shanghai',
  weekdays: [1, 2, 3, 4, 5],
  hours: [
    { from: 540, until: 720 },
    { from: 840, until: 1080 },
  ],
  except: ['2026-10-01', '2026-10-02'],
  source,
}

/** A window over the hour in which clocks are changed, every day. */
const night: Window = {
  ...peak,
  zone: 'Europe/Berlin',
  weekdays: [1, 2, 3, 4, 5, 6, 7],
  hours: [{ from: 130, until: 170 }],
  except: [],
}

const always: Window = { ...night, hours: [{ from: 0, until: 1440 }] }

test.each([
  ['a minute before it opens', '2026-11-24T08:59:59.999+08:00', false],
  ['when it opens', '2026-11-24T09:00:00.000+08:00', true],
  ['just before noon', '2026-11-24T11:59:59.999+08:00', true],
  ['at noon', '2026-11-24T12:00:00.000+08:00', false],
  ['in the afternoon', '2026-11-24T14:00:00.000+08:00', true],
  ['in the evening', '2026-11-24T18:00:00.000+08:00', false],
  ['on a Saturday', '2026-11-28T10:00:00.000+08:00', false],
  ['on a Monday that is Sunday in America', '2026-11-22T20:30:00.000-05:00', true],
  ['on a holiday', '2026-10-01T10:00:00.000+08:00', false],
])('the peak, %s', (_name, at, inside) => {
  expect(covers(peak, new Date(at))).toBe(inside)
})

test.each([
  [
    'before the morning',
    '2026-11-24T08:00+08:00',
    '2026-11-23T18:00+08:00',
    '2026-11-24T09:00+08:00',
  ],
  ['at an edge', '2026-11-24T09:00+08:00', '2026-11-24T09:00+08:00', '2026-11-24T12:00+08:00'],
  ['over a weekend', '2026-11-28T10:00+08:00', '2026-11-27T18:00+08:00', '2026-11-30T09:00+08:00'],
  ['over holidays', '2026-10-01T10:00+08:00', '2026-09-30T18:00+08:00', '2026-10-05T09:00+08:00'],
])('the span %s', (_name, at, from, until) => {
  const span = spanAround(peak, new Date(at))
  expect([span.from, span.until]).toEqual([new Date(from), new Date(until)])
})

test('a clock set forward over an edge opens the window where it lands, or never', () => {
  // 2026-03-29 in Berlin: 02:00 becomes 03:00, so 02:10 to 02:50 is not that day.
  const span = spanAround(night, new Date('2026-03-28T12:00Z'))
  expect(span).toMatchObject({ inside: false, until: new Date('2026-03-30T00:10Z') })
  const long = { ...night, hours: [{ from: 130, until: 200 }] }
  expect(spanAround(long, new Date('2026-03-28T12:00Z')).until).toEqual(
    new Date('2026-03-29T01:00Z'),
  )
})

test('an edge before the clock is set forward comes before the one the jump makes', () => {
  const twice = {
    ...night,
    hours: [
      { from: 30, until: 60 },
      { from: 130, until: 200 },
    ],
  }
  const { until } = spanAround(twice, new Date('2026-03-28T12:00Z'))
  expect(until).toEqual(new Date('2026-03-28T23:30Z'))
})

test('a clock set back over the window opens it twice', () => {
  // 2026-10-25 in Berlin: 03:00 becomes 02:00, so 02:10 to 02:50 comes twice.
  const first = spanAround(night, new Date('2026-10-25T00:20Z'))
  expect(first).toMatchObject({ inside: true, until: new Date('2026-10-25T00:50Z') })
  const second = spanAround(night, new Date('2026-10-25T01:20Z'))
  expect(second).toMatchObject({ inside: true, from: new Date('2026-10-25T01:10Z') })
})

test('a window that never closes has no edges', () => {
  expect(spanAround(always, new Date('2026-11-24T00:00Z'))).toEqual({
    inside: true,
    from: undefined,
    until: undefined,
  })
})

const instant = date({
  min: new Date('2026-01-01T00:00Z'),
  max: new Date('2027-12-31T00:00Z'),
  noInvalidDate: true,
})

test.each([
  ['Shanghai', peak],
  ['Berlin', night],
])(
  'in %s a span is one state from edge to edge, and the other state past both',
  (_name, window) => {
    assert(
      property(instant, double({ min: 0, max: 1, noNaN: true }), (at, share) => {
        const { inside, from, until } = spanAround(window, at)
        const [start, end] = [from!.getTime(), until!.getTime()]
        expect(start <= at.getTime() && at.getTime() < end).toBe(true)
        const within = new Date(start + Math.floor(share * (end - start - 1)))
        expect(covers(window, within)).toBe(inside)
        expect(covers(window, new Date(start - 1))).toBe(!inside)
        expect(covers(window, new Date(end))).toBe(!inside)
      }),
    )
  },
)

test.each<[string, Partial<Window>, boolean]>([
  ['the same hours', {}, true],
  ['hours that touch', { hours: [{ from: 720, until: 840 }] }, false],
  ['other weekdays', { weekdays: [6, 7] }, false],
  ['another zone', { zone: 'Asia/Tokyo', weekdays: [6, 7] }, true],
])('%s may overlap: %#', (_name, change, expected) => {
  expect(overlap(peak, { ...peak, ...change })).toBe(expected)
})
