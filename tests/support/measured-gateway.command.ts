/** A gateway in a process of its own that tells what is alive in it, garbage collected, whenever it is asked. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { queryObjects } from 'node:v8'
import type { Figures } from './measured-gateway.ts'

const Timer = setTimeout(() => {}, 0).constructor as new () => unknown
/** Each keeps something else alive: an answer, its request, a connection, a wait, whoever may call something off. */
const kinds = {
  answers: ServerResponse,
  requests: IncomingMessage,
  sockets: Socket,
  timers: Timer,
  abortControllers: AbortController,
}

const warnings: string[] = []
process.on('warning', ({ name, message }) => {
  // That of queryObjects is ours.
  if (name !== 'ExperimentalWarning') warnings.push(`${name}: ${message}`)
})

process.on('message', () => {
  const alive = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [name, queryObjects(kind, { format: 'count' })]),
  ) as unknown as Figures['alive']
  globalThis.gc!()
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  const { heapUsed } = process.memoryUsage()
  process.send!({ alive, listeners, heapUsed, warnings } satisfies Figures)
})

await import('./gateway-process.command.ts')
