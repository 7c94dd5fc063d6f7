import { DatabaseError } from '@smartoken/prisma/database'

const MOST_CHARACTERS = 300
const MOST_FRAMES = 12
const MOST_CAUSES = 4
/** What credentials look like, ours and providers'. */
const CREDENTIAL = /\b(sk-|bearer\s+|basic\s+|api[_-]?key=)[^\s"',;)]+/gi
/** Classes whose messages quote what they were given, a body or an answer, or are for the caller and may do so. */
const QUOTES_DATA = new Set([
  'SyntaxError',
  'AssertionError',
  'ZodError',
  'ApiError',
  'UpstreamError',
  'UpstreamFailed',
])
/** PostgreSQL's errors about a value, which they quote: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const DATA_EXCEPTION = /^22/

/**
 * An error and its causes as a log may have them: names, codes, messages, where in our code. What quotes its input, or may
 * say what an upstream said, loses its message; what looks like a credential is struck out.
 */
export function causeText(cause: unknown, depth = 0): string | undefined {
  if (cause === undefined || depth === MOST_CAUSES) return undefined
  if (!(cause instanceof Error)) return `not an Error but ${typeof cause}`
  const behind = causeText(cause.cause, depth + 1)
  const inner = behind === undefined ? '' : `\ncaused by ${behind}`
  return `${nameOf(cause)}${messageOf(cause)}${framesOf(cause)}${inner}`
}

function nameOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? `${error.name} ${code}` : error.name
}

function messageOf(error: Error): string {
  if (QUOTES_DATA.has(error.name)) return ''
  if (error instanceof DatabaseError && DATA_EXCEPTION.test(error.code ?? '')) return ''
  return `: ${struck(error.message.slice(0, MOST_CHARACTERS))}`
}

const struck = (text: string): string => text.replaceAll(CREDENTIAL, '[struck out]')

/** The lines of a stack that say where; its first lines repeat the message. */
function framesOf({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line))
  return frames
    .slice(0, MOST_FRAMES)
    .map((line) => `\n${line}`)
    .join('')
}
