import { createServer } from 'node:http'
import { createApi } from './app.ts'
import { openApiServices } from './open-services.ts'

const REQUEST_TIMEOUT_MS = 10_000

/** An api process of its own, as in production behind the reverse proxy. */
const services = openApiServices(process.env)
const { HOST, PORT } = services.env
const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, createApi(services).listener)
server.listen(PORT, HOST, () => services.log.info({ address: server.address() }, 'api listens'))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void services.prisma.$disconnect().then(() => process.exit(0)))
    server.closeIdleConnections()
  })
}
