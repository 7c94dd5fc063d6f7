import type { IncomingHttpHeaders } from 'node:http'
import { ApiError, type ErrorCode } from '../errors.ts'
import { dialectOf } from '../providers/dialect-of.ts'
import { errorIn, errorInBody, type SaidError } from '../providers/error-body.ts'
import type { ErrorKind } from '../providers/error-kinds.ts'
import { isTellable, kindOfError } from '../providers/kind-of-error.ts'
import { UpstreamError, UpstreamSaid, type Fault } from '../upstreams/fault.ts'

/** Whose affair each kind is, and the error a client gets. */
const told: Readonly<Record<ErrorKind, readonly [Fault, ErrorCode]>> = {
  rejected: ['request', 'upstream_rejected'],
  filtered: ['request', 'content_filter'],
  too_long: ['request', 'context_length_exceeded'],
  rate: ['rate', 'load_protection'],
  overload: ['overload', 'upstream_unavailable'],
  ours: ['ours', 'upstream_unavailable'],
}

/**
 * An upstream's error in our terms. What is wrong with the request is the caller's to know; our key, our
 * account there and its balance are not, and show as 503.
 */
export const upstreamError = (
  provider: string,
  status: number,
  body: Buffer,
  headers: IncomingHttpHeaders,
): UpstreamError => failure(provider, status, errorInBody(body), retryAfter(headers))

/** The error that an answer of status 200, or an event of its stream, tells; undefined where it tells none. */
export function errorInAnswer(provider: string, value: unknown): UpstreamError | undefined {
  const said = errorIn(value)
  return said && failure(provider, statusIn(said), said, undefined)
}

/** A call that came to no answer. */
export const noAnswer = (cause: unknown): UpstreamError =>
  new UpstreamError(
    'connection',
    new ApiError('upstream_unavailable', { cause, headers: waitFor(undefined) }),
  )

/** An answer that ends with the provider's word for having had no room, or no network, to finish it. */
export const unfinished = (provider: string, finishReason: string): UpstreamError =>
  failure(provider, 503, { message: `finish_reason ${finishReason}`, codes: [] }, undefined)

function failure(
  provider: string,
  status: number,
  said: SaidError,
  retryAfterMs: number | undefined,
): UpstreamError {
  const text = `${said.codes.join(' ')}: ${said.message ?? '(no message)'}`
  const dialect = dialectOf(provider)
  const cause = new UpstreamSaid(
    provider,
    status,
    said.codes.filter((one) => Object.hasOwn(dialect.errors, one)),
  )
  const [fault, code] = told[kindOfError(dialect, status, said)]
  if (fault === 'request') {
    const words = said.message && isTellable(text) ? withoutIds(said.message) : undefined
    const message = words && `The model provider refused the request: ${words}`
    return new UpstreamError(fault, new ApiError(code, { cause, ...(message && { message }) }))
  }
  const wait = waitFor(fault === 'rate' ? retryAfterMs : undefined)
  return new UpstreamError(fault, new ApiError(code, { cause, headers: wait }), { retryAfterMs })
}

/** An error in a 200 may have its true status as its code. */
function statusIn({ codes }: SaidError): number {
  const status = codes
    .map(Number)
    .find((code) => Number.isInteger(code) && code >= 400 && code < 600)
  return status ?? 500
}

/** Names of endpoints that are an account's own. */
const withoutIds = (words: string): string =>
  words.replaceAll(/\b(?:ep|bot)-\d[\w-]*/g, 'the model')

/** Milliseconds, where the provider says whole seconds. */
function retryAfter(headers: IncomingHttpHeaders): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isInteger(seconds) && seconds > 0 ? seconds * 1_000 : undefined
}

/** What the client is told to wait: as long as the provider says, else 5 seconds; at most a minute, or SDKs give up. */
const waitFor = (retryAfterMs: number | undefined): { 'retry-after': string } => ({
  'retry-after': String(Math.min((retryAfterMs ?? 5_000) / 1_000, 60)),
})
