import type { ApiError } from '../errors.ts'

/**
 * Whose affair a failed call is, which decides what becomes of the request and of the upstream:
 *
 * - `request`: the caller's. It would fail everywhere, so no other route is tried.
 * - `rate`: this key asks too much of its provider (429). It rests for as long as the provider says.
 * - `overload`: the provider is busy or broken (408, 5xx, capacity).
 * - `ours`: our key, account or money there, or a model it does not know: an operator's to mend, and never told.
 * - `connection`: there was no answer at all.
 */
export type Fault = 'request' | 'rate' | 'overload' | 'ours' | 'connection'

export interface UpstreamErrorDetails {
  /** How long the provider says to wait, ms; undefined where it says nothing. */
  readonly retryAfterMs?: number | undefined
  /** Why, as far as it may be logged; never sent. */
  readonly cause?: unknown
}

/** A call that failed at an upstream. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly fault: Fault
  /** What the client is told if no other route answers. */
  readonly shown: ApiError
  readonly retryAfterMs: number | undefined

  constructor(fault: Fault, shown: ApiError, { retryAfterMs, cause }: UpstreamErrorDetails = {}) {
    super(shown.message, { cause: cause ?? shown.cause })
    this.fault = fault
    this.shown = shown
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * What an upstream answered, as far as it may be logged: its status, and codes that are known words. What else it said may
 * repeat a prompt, or our key.
 */
export class UpstreamSaid extends Error {
  override readonly name = 'UpstreamSaid'
  readonly status: number

  constructor(provider: string, status: number, knownCodes: readonly string[]) {
    super([`${provider} answered ${status}`, ...knownCodes].join(' '))
    this.status = status
  }
}
