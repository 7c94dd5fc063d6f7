import { createPrisma } from '@smartoken/prisma/prisma-client'
import { pino } from 'pino'
import type { Services } from './api-services.ts'
import { readApiEnv } from './env.ts'

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
