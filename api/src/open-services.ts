import { createPrisma } from '@smartoken/prisma/prisma-client'
import { type Logger, pino } from 'pino'
import { type ApiEnv, readApiEnv } from './env.ts'

/** What the api works with: one record a process, made by whoever starts it. */
export interface Services {
  readonly prisma: ReturnType<typeof createPrisma>
  readonly env: ApiEnv
  readonly log: Logger
  /** After this many ms a GraphQL operation is given up with 503. */
  readonly operationDeadlineMs?: number
}

const CONNECTIONS = 10
const STATEMENT_TIMEOUT_MS = 5_000

/** Opens what an api process works with. @throws Error naming every variable that is wrong */
export function openApiServices(source: Readonly<Record<string, string | undefined>>): Services {
  const env = readApiEnv(source)
  const prisma = createPrisma(env.DATABASE_URL, {
    max: CONNECTIONS,
    applicationName: 'smartoken-api',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  return { prisma, env, log: pino({ level: env.LOG_LEVEL }) }
}
