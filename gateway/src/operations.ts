import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { isAlive, isReady } from './endpoints/health.ts'
import type { Services } from './open-services.ts'

const LOOPBACK = '127.0.0.1'

/** What is for this machine's operator alone: health, and metrics as Prometheus reads them. */
export interface Operations {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Opens it on loopback; port 0 takes any. @throws naming the variable when the port cannot be used */
export async function openOperations(
  services: Pick<Services, 'notReady' | 'telemetry'>,
  port: number,
): Promise<Operations> {
  const ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  const registry = Registry.merge([services.telemetry.metrics.registry, ofProcess])
  const app = new Hono()
    .get('/healthz', isAlive)
    .get('/readyz', isReady(services))
    .get('/metrics', async (c) =>
      c.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
    )
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  await listen(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, LOOPBACK)
  await once(server, 'listening').catch((error: unknown) => {
    throw new Error(`OPERATIONS_PORT ${port} cannot be used: ${(error as Error).message}`)
  })
}
