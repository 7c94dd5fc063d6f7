import { expect, test } from 'vitest'
import { holidayList } from './holidays.ts'

test('holidays in a row are one stretch, in whatever order they are listed', () => {
  const except = ['2026-10-02', '2026-05-01', '2026-10-01', '2026-10-05']
  expect(holidayList({ except }).replaceAll(/\s/g, ' ')).toBe(
    'May 1, 2026, October 1 – 2, 2026, and October 5, 2026',
  )
})
