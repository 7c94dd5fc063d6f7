import type { createPrisma } from '@smartoken/prisma/prisma-client'
import type { Logger } from 'pino'
import type { ApiEnv } from './env.ts'

/** What the api works with: one record a process, made by whoever starts it. */
export interface Services {
  readonly prisma: ReturnType<typeof createPrisma>
  readonly env: ApiEnv
  readonly log: Logger
  /** After this many ms a GraphQL operation is given up with 503. */
  readonly operationDeadlineMs?: number
}
