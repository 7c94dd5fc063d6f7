import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from '../errors.ts'

const REJECTED = new Set([400, 413, 422])
const MOST_MESSAGE_CHARACTERS = 500
/** Words under which providers speak of our key, account or arrears; such text is our operator's, not the caller's. */
const OURS = /\b(sk-|api[ _-]?key|account|balance|arrear|overdue|quota|billing|recharge)/i

/**
 * An upstream's error in our terms. What is wrong with the request is the caller's to know; our key, our
 * account there and its balance are not, and show as 503.
 */
export function upstreamError(
  status: number,
  body: Buffer,
  headers: IncomingHttpHeaders,
): ApiError {
  const message = messageIn(body)
  const cause = new Error(`upstream answered ${status}: ${message ?? '(no message)'}`)
  if (REJECTED.has(status) && !(message && OURS.test(message))) {
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

function messageIn(body: Buffer): string | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as {
      error?: { message?: unknown }
      message?: unknown
    }
    const message = value.error?.message ?? value.message
    return typeof message === 'string' ? message.slice(0, MOST_MESSAGE_CHARACTERS) : undefined
  } catch {
    return undefined
  }
}
