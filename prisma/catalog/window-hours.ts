import type { Window } from './model.ts'

const MONDAY = Date.UTC(2024, 0, 1)
const DAY_MS = 86_400_000
const DAYS_A_WEEK = 7

const list = new Intl.ListFormat('en')
const weekdayFormat = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' })

/**
 * When a window is open, for people: `Monday to Friday, 09:00–12:00 and 14:00–18:00 Asia/Shanghai
 * (UTC+08:00), except on holidays`. The offset is the zone's at `at`.
 */
export function windowHours(window: Window, at: Date): string {
  const spans = window.hours.map(({ from, until }) => `${clockTime(from)}–${clockTime(until)}`)
  const zone = `${window.zone} (${offsetName(window.zone, at)})`
  const exceptions = window.except.length > 0 ? ', except on holidays' : ''
  return `${weekdayList(window.weekdays)}, ${list.format(spans)} ${zone}${exceptions}`
}

function weekdayList(weekdays: readonly number[]): string {
  if (weekdays.length === DAYS_A_WEEK) return 'every day'
  const days = weekdays.toSorted((left, right) => left - right)
  const first = days[0] ?? 1
  const last = days.at(-1) ?? first
  const unbroken = last - first === days.length - 1 && days.length > 2
  return unbroken ? `${weekday(first)} to ${weekday(last)}` : list.format(days.map(weekday))
}

/** 1 = Monday. */
function weekday(day: number): string {
  return weekdayFormat.format(MONDAY + (day - 1) * DAY_MS)
}

/** 540 → `09:00`. */
export function clockTime(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** `UTC+08:00`. */
function offsetName(timeZone: string, at: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(at)
    .find(({ type }) => type === 'timeZoneName')
  return (parts?.value ?? 'GMT').replace('GMT', 'UTC')
}
