import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createGraphql } from './graphql/server.ts'
import type { Services } from './open-services.ts'
import { createSignIn } from './sign-in/routes.ts'

export type { Services } from './open-services.ts'

/** On every answer: none is for a cache, a crawler or a frame. */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** The api as one `node:http` request listener: `/graphql`, `/auth/*`, and 404 for the rest. */
export function createApi(services: Services): { readonly listener: RequestListener } {
  const graphql = createGraphql(services)
  const signIn = getRequestListener(createSignIn(services).fetch, { overrideGlobalObjects: false })

  function listener(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const path = pathOf(request)
    if (path === '/graphql') void graphql(request, response)
    else if (path.startsWith('/auth/')) void signIn(request, response)
    else notFound(response)
  }

  return { listener }
}

const pathOf = (request: IncomingMessage): string => (request.url ?? '').split('?', 1)[0]!

function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' })
  response.end(
    JSON.stringify({ error: { message: 'There is nothing at this address.', code: 'NOT_FOUND' } }),
  )
}
