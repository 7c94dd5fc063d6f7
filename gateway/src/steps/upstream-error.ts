import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../errors.ts'
import { UpstreamError } from '../upstreams/fault.ts'

const REJECTED = new Set([400, 413, 422])
const OURS_TO_MEND = new Set([401, 402, 403, 404])
const MOST_MESSAGE_CHARACTERS = 500
/** Words under which providers speak of our key, account or arrears; such text is our operator's, not the caller's. */
const OURS =
  /\b(sk-|api[ _-]?key|account|arrear|balance|billing|credential|organi[sz]ation|overdue|quota|recharge)|账户|账号|余额|欠费|充值|密钥/i

/**
 * An upstream's error in our terms. What is wrong with the request is the caller's to know; our key, our
 * account there and its balance are not, and show as 503.
 */
export function upstreamError(
  provider: string,
  status: number,
  body: Buffer,
  headers: IncomingHttpHeaders,
): UpstreamError {
  const { message, code } = errorIn(body)
  const cause = new Error(`${provider} answered ${status} ${code}: ${message ?? '(no message)'}`)
  const retryAfterMs = retryAfter(headers)
  const isOurs = OURS.test(`${code} ${message}`)
  if (REJECTED.has(status) && !isOurs) {
    const shown = new ApiError('upstream_rejected', {
      cause,
      ...(message && { message: `The model provider refused the request: ${message}` }),
    })
    return new UpstreamError('request', shown)
  }
  if (status === 429) {
    const shown = new ApiError('load_protection', { cause, headers: waitFor(retryAfterMs) })
    return new UpstreamError('rate', shown, { retryAfterMs })
  }
  const shown = new ApiError('upstream_unavailable', { cause, headers: waitFor(undefined) })
  const fault = REJECTED.has(status) || OURS_TO_MEND.has(status) ? 'ours' : 'overload'
  return new UpstreamError(fault, shown, { retryAfterMs })
}

/** A call that came to no answer. */
export const noAnswer = (cause: unknown): UpstreamError =>
  new UpstreamError(
    'connection',
    new ApiError('upstream_unavailable', { cause, headers: waitFor(undefined) }),
  )

/** Milliseconds, where the provider says whole seconds. */
function retryAfter(headers: IncomingHttpHeaders): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isInteger(seconds) && seconds > 0 ? seconds * 1_000 : undefined
}

/** What the client is told to wait: as long as the provider says, else 5 seconds; at most a minute, or SDKs give up. */
const waitFor = (retryAfterMs: number | undefined): { 'retry-after': string } => ({
  'retry-after': String(Math.min((retryAfterMs ?? 5_000) / 1_000, 60)),
})

/** The message and code of an error body: OpenAI's shape, or DashScope's with both at the top. */
function errorIn(body: Buffer): { message: string | undefined; code: string } {
  try {
    const value = JSON.parse(body.toString('utf8')) as ErrorMembers & { error?: ErrorMembers }
    const { message, code } = value.error ?? value
    return {
      message: typeof message === 'string' ? message.slice(0, MOST_MESSAGE_CHARACTERS) : undefined,
      code: typeof code === 'string' ? code.slice(0, MOST_MESSAGE_CHARACTERS) : '',
    }
  } catch {
    return { message: undefined, code: '' }
  }
}

interface ErrorMembers {
  readonly message?: unknown
  readonly code?: unknown
}
