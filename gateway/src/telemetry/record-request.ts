import { createMiddleware } from 'hono/factory'
import type { GatewayContext } from '../app.ts'
import type { Services } from '../open-services.ts'

/** Keeps a record of every request, which its steps write to. */
export const recordRequest = ({ telemetry }: Pick<Services, 'telemetry'>) =>
  createMiddleware<GatewayContext>(async function record(c, next) {
    const { record, handled } = telemetry.begin(c.get('requestId'), endpointOf(c.req.path), c.env)
    c.set('record', record)
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
