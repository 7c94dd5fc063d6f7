/** A gateway as in production, with a lease as short as asked for; tells its port to the process that started it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGatewayListener } from '@smartoken/gateway'
import { openServices } from '@smartoken/gateway/services'
import { loadCatalog } from '@smartoken/prisma/catalog'
import type { GatewayProcessOptions } from './gateway-process.ts'
import { providersAt } from './providers.ts'

const {
  upstreamUrl,
  logLevel = 'silent',
  ...options
} = JSON.parse(process.argv[2]!) as GatewayProcessOptions

const services = await openServices({
  ...options,
  logLevel,
  env: providersAt(loadCatalog(), upstreamUrl),
}).catch((error: unknown) => {
  console.error(`a gateway could not start: ${String(error)}`)
  process.exit(1)
})
const server = createServer(createGatewayListener(services))
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))

process.once('SIGTERM', () => {
  server.close(() => void services.close().then(() => process.exit(0)))
  server.closeIdleConnections()
})
// Who started it is gone, however that ended.
process.once('disconnect', () => process.exit(1))
