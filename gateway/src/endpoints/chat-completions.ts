import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { GatewayContext } from '../app.ts'
import { promptBound } from '../metering/input-bound.ts'
import { answerHeaders } from '../relay/answer-headers.ts'
import { ClientStream } from '../relay/client-stream.ts'
import { Patience } from '../relay/patience.ts'
import { relayJson } from '../relay/relay-json.ts'
import { relayStream } from '../relay/relay-stream.ts'
import { errorEvent } from '../relay/stream-events.ts'
import type { Services } from '../open-services.ts'
import { answerFrom } from '../steps/answer-from.ts'
import { createAuthenticate } from '../steps/authenticate.ts'
import type { UpstreamCall } from '../steps/call-upstream.ts'
import { chooseRoutes } from '../steps/choose-routes.ts'
import { limitOf } from '../steps/limit-of.ts'
import { openHold } from '../steps/open-hold.ts'
import { readBody } from '../steps/read-body.ts'
import { readChatRequest } from '../steps/read-chat-request.ts'
import { readIdempotencyKey } from '../steps/read-idempotency-key.ts'
import { refuseUnpriced } from '../steps/refuse-unpriced.ts'
import { resolveModel } from '../steps/resolve-model.ts'
import { settleFailure } from '../steps/settle-failure.ts'
import { outputPerLimit } from '../upstreams/upstream-body.ts'
import { callerFacts } from './caller-facts.ts'

/** POST /v1/chat/completions. Read it top to bottom: this is what the gateway does. */
export const chatCompletions = (services: Services) => {
  const authenticate = createAuthenticate(services)

  return async (c: Context<GatewayContext>): Promise<Response> => {
    const { incoming, outgoing } = c.env
    const record = c.get('record')
    record.at('authenticate')
    const caller = await authenticate({
      authorization: c.req.header('authorization'),
      'x-api-key': c.req.header('x-api-key'),
    })
    c.set('caller', caller)
    record.caller = caller
    const idempotencyKey = readIdempotencyKey(c.req.header('idempotency-key'))
    record.at('read')
    const body = await readBody(incoming)
    record.at('hold')
    const request = readChatRequest(body)
    record.stream = request.stream
    c.set('modelAsked', request.model)
    const { model, alias } = resolveModel(services.catalog, request.model)
    refuseUnpriced(model, request)
    const routes = chooseRoutes(services, model, request, caller)
    const promptTokens = promptBound(request.prompt, model.context)
    const limitAsked = limitOf(model, request, promptTokens)
    const hold = await openHold(services, {
      requestId: c.get('requestId'),
      caller,
      idempotencyKey,
      model,
      alias,
      facts: callerFacts(incoming, '/v1/chat/completions', model, request),
      promptTokens,
      limit: Math.min(limitAsked, model.maxOutput),
      outputPerLimit: outputPerLimit(model, request),
    })
    c.set('admitted', true)
    const stream = request.stream
      ? new ClientStream(outgoing, answerHeaders(hold, limitAsked, []))
      : undefined
    record.at('route')
    const patience = new Patience(services, outgoing, stream ? 'stream' : 'plain')
    try {
      const asked = { model, request, limit: hold.limit, caller }
      const relay = (call: UpstreamCall) => {
        const exchange = { services, request, hold, call, patience, limitAsked }
        return stream ? relayStream(exchange, outgoing, stream) : relayJson(exchange, outgoing)
      }
      await answerFrom({ services, routes, asked, patience, relay, record })
    } catch (error) {
      stream?.rest()
      const begun = outgoing.headersSent
      const shown = await settleFailure(services, { hold, request, patience, error, begun })
      if (!stream?.begun) throw shown
      stream.end(errorEvent(shown))
    } finally {
      patience.end()
    }
    return RESPONSE_ALREADY_SENT
  }
}
