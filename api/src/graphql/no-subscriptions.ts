import { createGraphQLError, type Plugin } from 'graphql-yoga'

/** Validation lets a subscription pass although the schema has none; it is refused like any other mistake. */
export const useNoSubscriptions = (): Plugin => ({
  onSubscribe() {
    throw createGraphQLError('There are no subscriptions here.', {
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400, spec: true } },
    })
  },
})
