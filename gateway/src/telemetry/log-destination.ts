import { pino } from 'pino'

const STANDARD_OUTPUT = 1
/** A write for each line costs more than making the line. */
const BUFFERED_BYTES = 4_096
/** Nothing waits longer than that. */
const FLUSH_MS = 1_000

/** Standard output, some lines at a time; what waits when the process ends, however it does short of a kill, is written then. */
export function logDestination() {
  const destination = pino.destination({
    dest: STANDARD_OUTPUT,
    sync: true,
    minLength: BUFFERED_BYTES,
    periodicFlush: FLUSH_MS,
  })
  process.once('exit', () => destination.flushSync())
  return destination
}
