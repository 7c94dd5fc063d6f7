import { newId } from '@smartoken/prisma/ids'
import { createMiddleware } from 'hono/factory'
import type { GatewayContext } from '../app.ts'
import type { Services } from '../open-services.ts'

/** Gives a request its id, and keeps a record of it that its steps write to. */
export const recordRequest = ({ telemetry }: Pick<Services, 'telemetry'>) =>
  createMiddleware<GatewayContext>(async function record(c, next) {
    const requestId = newId('request')
    const { record, handled } = telemetry.begin(requestId, endpointOf(c.req.path), c.env)
    c.set('requestId', requestId)
    c.set('record', record)
    c.header('x-request-id', requestId)
    c.header('x-robots-tag', 'noindex')
    try {
      await next()
    } finally {
      handled()
    }
  })

/** The endpoint of a path, never what else is in it. */
function endpointOf(path: string): string {
  if (path === '/v1/chat/completions' || path === '/v1/models') return path
  if (path.startsWith('/v1/models/')) return '/v1/models/{id}'
  return path.startsWith('/v1/receipts/') ? '/v1/receipts/{id}' : 'other'
}
