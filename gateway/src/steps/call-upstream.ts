import type { Model } from '@smartoken/prisma/catalog'
import { ApiError } from '../errors.ts'
import type { Patience } from '../relay/patience.ts'
import { dispatch, readWhole, type UpstreamAnswer } from '../upstreams/dispatch.ts'
import { upstreamBody } from '../upstreams/upstream-body.ts'
import type { OpenRoute } from './choose-routes.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { upstreamError } from './upstream-error.ts'

/** Bytes of an upstream's error that are read. */
const MOST_ERROR_BYTES = 64 * 1024

/** A call that was answered with 200: by which route, after how many attempts. */
export interface UpstreamCall extends OpenRoute {
  readonly answer: UpstreamAnswer
  readonly attempts: number
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
  model: Model,
  request: ChatRequest,
  limit: number,
  patience: Patience,
): Promise<UpstreamCall> {
  let failed: UpstreamFailed | undefined
  for (const [index, open] of routes.entries()) {
    const attempts = index + 1
    try {
      const body = upstreamBody(model, open.route, request, limit)
      const signal = patience.trying(open)
      const answer = await dispatch(open.upstream, '/chat/completions', body, signal)
      if (answer.status === 200) return { ...open, answer, attempts }
      const said = await readWhole(answer, MOST_ERROR_BYTES, signal)
      throw upstreamError(answer.status, said, answer.headers)
    } catch (error) {
      const shown =
        error instanceof ApiError
          ? error
          : new ApiError('upstream_unavailable', { cause: error, headers: { 'retry-after': '5' } })
      failed = new UpstreamFailed(shown, attempts, open)
      if (shown.code === 'upstream_rejected' || patience.left || patience.lost) break
    }
  }
  throw failed!
}
