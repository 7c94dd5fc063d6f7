/** Clock and calendar of an IANA zone, by `Intl`. */

/** What a wall clock and a calendar show. */
export interface LocalTime {
  /** ISO date. */
  readonly date: string
  /** Minutes since midnight, by the clock. */
  readonly minute: number
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const formats = new Map<string, Intl.DateTimeFormat>()

export function localTime(zone: string, at: Date): LocalTime {
  const shown = new Date(at.getTime() + offset(zone, at.getTime()))
  return {
    date: shown.toISOString().slice(0, 10),
    minute: shown.getUTCHours() * 60 + shown.getUTCMinutes(),
  }
}

/** 1 = Monday. */
export function weekdayOf(date: string): number {
  return new Date(date).getUTCDay() || 7
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

/**
 * The instants, ms, at which the zone's clock can show the minute of the date: one as a rule, two where
 * the clock is set back over it. Where the clock is set forward over it, the jump is among them.
 */
export function instantsOf(zone: string, date: string, minute: number): number[] {
  const shown = Date.parse(date) + minute * MINUTE_MS
  const before = offset(zone, shown - DAY_MS)
  const after = offset(zone, shown + DAY_MS)
  if (before === after) return [shown - before]
  return [shown - before, shown - after, jump(zone, shown - DAY_MS, shown + DAY_MS)]
}

/** The minute, ms, at which the offset at `low` gives way to the offset at `high`. */
function jump(zone: string, low: number, high: number): number {
  const before = offset(zone, low)
  let [last, first] = [Math.floor(low / MINUTE_MS), Math.ceil(high / MINUTE_MS)]
  while (first - last > 1) {
    const middle = Math.floor((last + first) / 2)
    if (offset(zone, middle * MINUTE_MS) === before) last = middle
    else first = middle
  }
  return first * MINUTE_MS
}

/** Ms to add to an instant to read the zone's clock as if it were UTC. */
function offset(zone: string, at: number): number {
  const shown = format(zone).format(at)
  const [, month, day, year, hour, minute, second] = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/
    .exec(shown)!
    .map(Number)
  const local = Date.UTC(year!, month! - 1, day, hour, minute, second)
  return local - Math.floor(at / 1000) * 1000
}

function format(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, made)
  return made
}
