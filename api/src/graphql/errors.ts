import type { GraphQLError } from 'graphql'
import { createGraphQLError } from 'graphql-yoga'

/** Every failure a client is expected to handle, by `extensions.code`. Anything else is masked. */
export type ErrorCode = 'UNAUTHENTICATED' | 'NOT_FOUND' | 'BAD_INPUT' | 'LIMIT_REACHED'

export const expectedError = (code: ErrorCode, message: string): GraphQLError =>
  createGraphQLError(message, { extensions: { code } })

export const unauthenticated = (): GraphQLError =>
  expectedError('UNAUTHENTICATED', 'Sign in first.')

/** One answer for what does not exist and for what is another's, so that neither can be told. */
export const notFound = (): GraphQLError =>
  expectedError('NOT_FOUND', 'Your account has nothing with this id.')
