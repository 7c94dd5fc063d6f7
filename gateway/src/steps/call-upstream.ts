import type { Model } from '@smartoken/prisma/catalog'
import type { Patience } from '../relay/patience.ts'
import type { Trial } from '../routing/circuit.ts'
import { dispatch, readWhole, type UpstreamAnswer } from '../upstreams/dispatch.ts'
import { upstreamBody } from '../upstreams/upstream-body.ts'
import type { Caller } from './authenticate.ts'
import type { OpenRoute } from './choose-routes.ts'
import type { ChatRequest } from './read-chat-request.ts'
import { noAnswer, upstreamError } from './upstream-error.ts'

/** Bytes of an upstream's error that are read. */
const MOST_ERROR_BYTES = 64 * 1024
/** Until an answer's head has come. A stream's comes at once, whatever the model takes; a plain answer's with its end. */
const HEAD_MS = { stream: 60_000, plain: 600_000 }

/** A call that was answered with 200: by which route, after how many attempts. */
export interface UpstreamCall extends OpenRoute {
  readonly answer: UpstreamAnswer
  readonly attempts: number
  /** What of the request was dropped or mapped for this route. */
  readonly adjusted: readonly string[]
  /** To be told when the answer has proved to be one. */
  readonly trial: Trial
}

/** What the upstream is to be asked. */
export interface Asked {
  readonly model: Model
  readonly request: ChatRequest
  readonly limit: number
  readonly caller: Caller
}

/** Calls one route until it has answered 200. @throws UpstreamError */
export async function callUpstream(
  { route, upstream }: OpenRoute,
  { model, request, limit, caller }: Asked,
  patience: Patience,
): Promise<Pick<UpstreamCall, 'answer' | 'adjusted'>> {
  const user = upstream.pseudonymOf(caller.accountId)
  const { body, adjusted } = upstreamBody(model, route, request, limit, user)
  const signal = patience.trying({ route, upstream })
  const headMs = request.stream ? HEAD_MS.stream : HEAD_MS.plain
  const answer = await dispatch(
    upstream,
    { path: '/chat/completions', body, headMs },
    signal,
  ).catch((cause: unknown) => {
    throw noAnswer(cause)
  })
  if (answer.status === 200) {
    const encoding = answer.headers['content-encoding'] ?? 'identity'
    if (encoding === 'identity') return { answer, adjusted }
    answer.abort() // never unpacked: a few bytes could become any number
    throw noAnswer(new Error('an encoded answer, though none was asked for'))
  }
  const said = await readWhole(answer, MOST_ERROR_BYTES, signal).catch(() => Buffer.alloc(0))
  throw upstreamError(route.provider, answer.status, said, answer.headers)
}
