import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention'
import { createYoga } from 'graphql-yoga'
import { schema } from '../schema/index.ts'
import type { Services } from '../open-services.ts'
import { findSession } from '../sign-in/session.ts'
import { sessionTokenOf } from '../sign-in/cookies.ts'
import type { ApiContext } from './context.ts'
import { useDeadline } from './deadline.ts'
import { renderGraphiql, useGraphiqlPolicy } from './graphiql.ts'
import { useLimits } from './limits.ts'
import { useNoSubscriptions } from './no-subscriptions.ts'

const OPERATION_DEADLINE_MS = 5_000
const MAX_BODY_BYTES = 100_000

/** GraphQL over HTTP at /graphql: who asks is decided by the session cookie and by nothing else. */
export function createGraphql(services: Services) {
  const { env, prisma, log, operationDeadlineMs = OPERATION_DEADLINE_MS } = services

  const findAccountId = (request: Request): Promise<string | undefined> =>
    findSession(prisma, sessionTokenOf(request.headers.get('cookie')))

  return createYoga<object, ApiContext>({
    schema,
    context: async ({ request }) => ({ services, accountId: await findAccountId(request) }),
    plugins: [
      useCSRFPrevention(),
      useLimits(),
      useNoSubscriptions(),
      useDeadline(operationDeadlineMs),
      useGraphiqlPolicy(),
    ],
    graphiql: async (request) =>
      (env.NODE_ENV === 'development' || (await findAccountId(request)) !== undefined) && {},
    renderGraphiQL: renderGraphiql,
    maxRequestBodySize: MAX_BODY_BYTES,
    maskedErrors: { isDev: false },
    batching: false,
    multipart: false,
    cors: false,
    landingPage: false,
    logging: {
      debug: ignore,
      info: ignore,
      warn: ignore,
      // The stack only: an error's other fields may hold what a client sent.
      error: (error: unknown) => log.error({ stack: stackOf(error) }, 'a GraphQL operation failed'),
    },
  })
}

const ignore = (): void => {}

function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const original = 'originalError' in error ? error.originalError : undefined
  return (original instanceof Error ? original : error).stack
}
