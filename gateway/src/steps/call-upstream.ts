import type { Model } from '@smartoken/prisma/catalog'
import type { ApiError } from '../errors.ts'
import type { Patience } from '../relay/patience.ts'
import { dispatch, readWhole, type UpstreamAnswer } from '../upstreams/dispatch.ts'
import { UpstreamError } from '../upstreams/fault.ts'
import { upstreamBody } from '../upstreams/upstream-body.ts'
import type { Caller } from './authenticate.ts'
import type { OpenRoute } from './choose-routes.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { noAnswer, upstreamError } from './upstream-error.ts'

/** Bytes of an upstream's error that are read. */
const MOST_ERROR_BYTES = 64 * 1024

/** A call that was answered with 200: by which route, after how many attempts. */
export interface UpstreamCall extends OpenRoute {
  readonly answer: UpstreamAnswer
  readonly attempts: number
  /** What of the request was dropped or mapped for this route. */
  readonly adjusted: readonly string[]
}

/** What the upstream is to be asked. */
export interface Asked {
  readonly model: Model
  readonly request: ChatRequest
  readonly limit: number
  readonly caller: Caller
}

/** Every route failed, or one said the request itself is wrong. Nothing was billed. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed'
  readonly shown: ApiError
  readonly attempts: number
  readonly last: OpenRoute

  constructor(shown: ApiError, attempts: number, last: OpenRoute) {
    super(shown.message, { cause: shown })
    this.shown = shown
    this.attempts = attempts
    this.last = last
  }
}

/**
 * Calls the routes in order until one answers 200. An error that is the caller's own (a bad parameter)
 * would be the same everywhere and ends the search; so does a client that has left.
 *
 * @throws UpstreamFailed
 */
export async function callUpstream(
  routes: readonly OpenRoute[],
  { model, request, limit, caller }: Asked,
  patience: Patience,
): Promise<UpstreamCall> {
  let failed: UpstreamFailed | undefined
  for (const [index, open] of routes.entries()) {
    const attempts = index + 1
    try {
      const { body, adjusted } = upstreamBody(model, open.route, request, limit, caller)
      const signal = patience.trying(open)
      const answer = await dispatch(open.upstream, '/chat/completions', body, signal)
      if (answer.status === 200) return { ...open, answer, attempts, adjusted }
      const said = await readWhole(answer, MOST_ERROR_BYTES, signal)
      throw upstreamError(open.route.provider, answer.status, said, answer.headers)
    } catch (error) {
      const { fault, shown } = error instanceof UpstreamError ? error : noAnswer(error)
      failed = new UpstreamFailed(shown, attempts, open)
      if (fault === 'request' || patience.left || patience.lost) break
    }
  }
  throw failed!
}
