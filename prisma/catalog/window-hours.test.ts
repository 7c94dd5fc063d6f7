import { expect, test } from 'vitest'
import type { Window } from './model.ts'
import { windowHours } from './window-hours.ts'

const AT = new Date('2026-11-23T00:00:00Z')
const peak: Window = {
  id: 'peak',
  name: 'Peak hours',
  zone: 'Asia/Shanghai',
  weekdays: [1, 2, 3, 4, 5],
  hours: [
    { from: 540, until: 720 },
    { from: 840, until: 1440 },
  ],
  except: [],
  source: { url: 'https://example.com/', read: '2026-11-01', note: undefined },
}

test.each<[Partial<Window>, string]>([
  [{}, 'Monday to Friday, 09:00–12:00 and 14:00–24:00 Asia/Shanghai (UTC+08:00)'],
  [{ weekdays: [1, 3, 5] }, 'Monday, Wednesday, and Friday, 09:00–12:00'],
  [{ weekdays: [7, 6] }, 'Saturday and Sunday, 09:00–12:00'],
  [{ weekdays: [1, 2, 3, 4, 5, 6, 7] }, 'every day, 09:00–12:00'],
  [{ zone: 'UTC' }, 'UTC (UTC+00:00)'],
  [{ except: ['2026-10-01'] }, '(UTC+08:00), except on holidays'],
])('%o reads %s', (part, expected) => {
  expect(windowHours({ ...peak, ...part }, AT)).toContain(expected)
})
