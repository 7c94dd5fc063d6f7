import type { Window } from '@smartoken/prisma/catalog'

const DAY_MS = 86_400_000

const list = new Intl.ListFormat('en')
const dateFormat = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' })

/** The days on which a window stays shut, as stretches: `February 16 – 20, 2026`. */
export function holidayList(window: Pick<Window, 'except'>): string {
  const days = window.except.map((date) => Date.parse(date)).toSorted((one, other) => one - other)
  const stretches: { first: number; last: number }[] = []
  for (const day of days) {
    const current = stretches.at(-1)
    if (current && day === current.last + DAY_MS) current.last = day
    else stretches.push({ first: day, last: day })
  }
  return list.format(stretches.map(({ first, last }) => dateFormat.formatRange(first, last)))
}
