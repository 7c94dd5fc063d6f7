import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../errors.ts'

const REJECTED = new Set([400, 413, 422])
const MOST_MESSAGE_CHARACTERS = 500
/** Words under which providers speak of our key, account or arrears; such text is our operator's, not the caller's. */
const OURS =
  /\b(sk-|api[ _-]?key|account|arrear|balance|billing|credential|organi[sz]ation|overdue|quota|recharge)|账户|账号|余额|欠费|充值|密钥/i

/**
 * An upstream's error in our terms. What is wrong with the request is the caller's to know; our key, our
 * account there and its balance are not, and show as 503.
 */
export function upstreamError(
  status: number,
  body: Buffer,
  headers: IncomingHttpHeaders,
): ApiError {
  const { message, code } = errorIn(body)
  const cause = new Error(`upstream answered ${status} ${code}: ${message ?? '(no message)'}`)
  if (REJECTED.has(status) && !OURS.test(`${code} ${message}`)) {
    return new ApiError('upstream_rejected', {
      cause,
      ...(message && { message: `The model provider refused the request: ${message}` }),
    })
  }
  if (status === 429) {
    return new ApiError('load_protection', {
      cause,
      headers: { 'retry-after': retryAfter(headers) },
    })
  }
  return new ApiError('upstream_unavailable', { cause, headers: { 'retry-after': '5' } })
}

/** The provider's own whole seconds where it says so, else 5; at most a minute, or SDKs give up. */
function retryAfter(headers: IncomingHttpHeaders): string {
  const seconds = Number(headers['retry-after'])
  return String(Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 60) : 5)
}

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
