import { createServer } from 'node:http'
import { createGatewayListener } from './app.ts'
import { readGatewayEnv } from './env.ts'
import { openOperations } from './operations.ts'
import { openServices } from './open-services.ts'

/** A gateway process of its own, as in production. */
const env = readGatewayEnv(process.env)
const services = await openServices({
  databaseUrl: env.DATABASE_URL,
  env: process.env,
  logLevel: env.LOG_LEVEL,
})
const operations =
  env.OPERATIONS_PORT === undefined
    ? undefined
    : await openOperations(services, env.OPERATIONS_PORT)
const server = createServer(createGatewayListener(services))
server.listen(env.PORT, env.HOST, () =>
  services.log.info(
    { host: env.HOST, port: env.PORT, operationsPort: operations?.port },
    'gateway listens',
  ),
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeIdleConnections()
    void services
      .close()
      .then(() => operations?.close())
      .then(() => process.exit(0))
  })
}
