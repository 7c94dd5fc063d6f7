import type { Instant } from './operations.ts'

const short = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const withYear = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })

/** The zone all times are shown in: the reader's own. */
export const zone = (): string => short.resolvedOptions().timeZone

/** An instant to the second, in the reader's zone. */
export function Moment({ at }: { readonly at: Instant }) {
  return (
    <time dateTime={at} title={at}>
      {short.format(new Date(at))}
    </time>
  )
}

/** The day of an instant, in the reader's zone. */
export function Day({ at }: { readonly at: Instant }) {
  return (
    <time dateTime={at} title={at}>
      {withYear.format(new Date(at))}
    </time>
  )
}
