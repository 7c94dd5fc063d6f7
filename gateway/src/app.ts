import type { RequestListener } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { newId } from '@smartoken/prisma/ids'
import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { chatCompletions } from './endpoints/chat-completions.ts'
import { isAlive, isReady } from './endpoints/health.ts'
import { getModel, listModels } from './endpoints/models.ts'
import { getReceipt } from './endpoints/receipts.ts'
import { answerError } from './answer-error.ts'
import { ApiError } from './errors.ts'
import type { Services } from './open-services.ts'
import type { Caller } from './steps/authenticate.ts'
import type { RequestRecord } from './telemetry/request-record.ts'
import { recordRequest } from './telemetry/record-request.ts'

export interface GatewayContext {
  Bindings: HttpBindings
  Variables: {
    requestId: string
    record: RequestRecord
    /** Set once it is known who asks for a chat: whatever is answered then tells the limits. */
    caller?: Caller
    /** Set once it was read. */
    modelAsked?: string
    /** Set once the request is admitted: from then on it has a row of its own, however it ends. */
    admitted?: true
  }
}

/** The machine endpoints, `/v1/*`. */
export function createApp(services: Services) {
  return new Hono<GatewayContext>()
    .get('/healthz', isAlive)
    .get('/readyz', isReady(services))
    .use(recordRequest(services))
    .use('/v1/models/*', openToBrowsers)
    .get('/v1/models', listModels(services))
    .get('/v1/models/*', getModel(services))
    .get('/v1/receipts/:id', getReceipt(services))
    .on(['POST', 'PUT', 'PATCH', 'DELETE'], '/v1/receipts/:id', refuseMethod('GET'))
    .post('/v1/chat/completions', chatCompletions(services))
    .on(['GET', 'PUT', 'PATCH', 'DELETE'], '/v1/chat/completions', refuseMethod('POST'))
    .notFound((c) =>
      answerError(
        services,
        c,
        new ApiError('not_found', {
          message: `There is no ${c.req.method} ${c.req.path}. The endpoints are POST /v1/chat/completions, GET /v1/models, GET /v1/models/{id} and GET /v1/receipts/{request id}.`,
        }),
      ),
    )
    .onError((error, c) => answerError(services, c, error))
}

/** The gateway as a `node:http` request listener. */
export function createGatewayListener(services: Services): RequestListener {
  const listener = getRequestListener(createApp(services).fetch, {
    errorHandler: refuseAddress,
    // The adapter's own Response, put in the global's place, would write a head over an answer already sent.
    overrideGlobalObjects: false,
  })
  return (incoming, outgoing) => {
    const answered = listener(incoming, outgoing)
    services.pending.add(answered)
    void answered.finally(() => services.pending.delete(answered))
  }
}

/** What no URL can be made of (a broken Host header) never reaches the app. */
const refuseAddress = (): Response =>
  Response.json(new ApiError('invalid_request', { message: 'The address or Host is not valid.' }), {
    status: 400,
    headers: { 'x-request-id': newId('request'), 'x-robots-tag': 'noindex' },
  })

/** What is sold is nobody's secret, so pages of any origin may list it. Chats are not open so: a key belongs on no page. */
const openToBrowsers = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD'],
  allowHeaders: ['authorization', 'x-api-key'],
  exposeHeaders: ['x-request-id', 'x-smartoken-alias', 'etag'],
  maxAge: 86_400,
})

const refuseMethod =
  (allowed: string) =>
  (_c: Context): never => {
    throw new ApiError('method_not_allowed', {
      message: `Use ${allowed} for this endpoint.`,
      headers: { allow: allowed },
    })
  }
