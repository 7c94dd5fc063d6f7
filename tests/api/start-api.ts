import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, type Services } from '@smartoken/api'
import { readApiEnv } from '@smartoken/api/env'
import {
  type IdentityProviderOptions,
  startIdentityProvider,
} from '@smartoken/api/identity-provider'
import { createPrisma } from '@smartoken/prisma/prisma-client'
import { pino } from 'pino'
import { ALL } from '../support/canary/canaries.ts'
import { findIn, refuse } from '../support/canary/findings.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

export interface TestApi {
  readonly url: string
  readonly issuer: string
  /** To stop it early, and to start another like it. */
  readonly provider: { readonly options: IdentityProviderOptions; stop(): Promise<void> }
  readonly database: TestDatabase
  readonly services: Services
  /** Everything the api logged, line by line. */
  readonly logged: string[]
  /** @throws where a secret was logged or stored */
  stop(): Promise<void>
}

/** The api on a listener of its own, with a database and an identity provider of its own. */
export async function startApi(
  overrides: Partial<Pick<Services, 'operationDeadlineMs'>> & { readonly nodeEnv?: string } = {},
): Promise<TestApi> {
  const { nodeEnv = 'test', ...rest } = overrides
  const database = await createDatabase()
  const server = createServer()
  const url = await listen(server)
  const client = { clientId: 'smartoken', clientSecret: 'a client secret of these tests' }
  const options = { ...client, redirectUris: [`${url}/auth/callback`] }
  const provider = await startIdentityProvider(options)
  const env = readApiEnv({
    NODE_ENV: nodeEnv,
    DATABASE_URL: database.url,
    PUBLIC_URL: url,
    SESSION_SECRET: 'a session secret of these tests alone',
    GOOGLE_CLIENT_ID: client.clientId,
    GOOGLE_CLIENT_SECRET: client.clientSecret,
    GOOGLE_ISSUER: provider.issuer,
  })
  const prisma = createPrisma(database.url, {
    max: 10,
    applicationName: 'api',
    statementTimeoutMs: 5_000,
  })
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  const services = { prisma, env, log, ...rest }
  server.on('request', createApi(services).listener)

  return {
    url,
    issuer: provider.issuer,
    provider: { options, stop: () => provider.stop() },
    database,
    services,
    logged,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await provider.stop()
      await prisma.$disconnect()
      await database.drop()
      refuse(findIn(logged.join(''), 'a log line of the api', ALL))
    },
  }
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })
}
