import type { Window } from './model.ts'
import { addDays, instantsOf, localTime, weekdayOf } from './zone.ts'

/** How far an edge is looked for. No holiday is that long. */
const HORIZON_DAYS = 400

/** Every request asks about the present, so the last answer is nearly always this one. */
const latestSpans = new WeakMap<Window, Span>()

/** A stretch of time `[from, until)` all inside or all outside a window; `undefined` = none within a year. */
export interface Span {
  readonly inside: boolean
  readonly from: Date | undefined
  readonly until: Date | undefined
}

/** Whether the window's hours are running at an instant. */
export function covers(window: Window, at: Date): boolean {
  const { date, minute } = localTime(window.zone, at)
  return (
    window.weekdays.includes(weekdayOf(date)) &&
    window.hours.some(({ from, until }) => from <= minute && minute < until) &&
    !window.except.includes(date)
  )
}

/** The stretch around an instant in which the window neither opens nor closes. */
export function spanAround(window: Window, at: Date): Span {
  const latest = latestSpans.get(window)
  if (latest?.from && latest.until && latest.from <= at && at < latest.until) return latest
  const span = {
    inside: covers(window, at),
    from: edge(window, at, -1),
    until: edge(window, at, 1),
  }
  latestSpans.set(window, span)
  return span
}

/** Whether two windows may both cover an instant. Windows of two zones are taken to. */
export function overlap(left: Window, right: Window): boolean {
  return (
    left.zone !== right.zone ||
    (left.weekdays.some((day) => right.weekdays.includes(day)) &&
      left.hours.some((one) =>
        right.hours.some((other) => one.from < other.until && other.from < one.until),
      ))
  )
}

/** The nearest opening or closing after `at` (step 1), or at or before it (step -1). */
function edge(window: Window, at: Date, step: 1 | -1): Date | undefined {
  const today = localTime(window.zone, at).date
  const edgesIn = (days: number) =>
    edgesOf(window, addDays(today, days * step)).filter((time) =>
      step === 1 ? time > at.getTime() : time <= at.getTime(),
    )
  for (let days = 0; days <= HORIZON_DAYS; days += 1) {
    const found = edgesIn(days)
    if (found.length === 0) continue
    // Where a clock is changed, an edge of the day after can be the nearer one.
    const nearby = [...found, ...edgesIn(days + 1)]
    return new Date(step === 1 ? Math.min(...nearby) : Math.max(...nearby))
  }
  return undefined
}

/** The instants, ms, at which the window opens or closes on a local date. */
function edgesOf(window: Window, date: string): number[] {
  return window.hours
    .flatMap(({ from, until }) => [from, until])
    .flatMap((minute) => instantsOf(window.zone, date, minute))
    .filter((time) => covers(window, new Date(time)) !== covers(window, new Date(time - 1)))
}
