import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { GatewayProcessOptions } from './gateway-process.ts'

const ENTRY = join(import.meta.dirname, 'measured-gateway.command.ts')

/** What there is in a gateway's process at one moment, after garbage has been collected. */
export interface Figures {
  /** Objects of each kind, whatever keeps them. */
  readonly alive: Readonly<
    Record<'answers' | 'requests' | 'sockets' | 'timers' | 'abortControllers', number>
  >
  /** On the process itself, which outlives all. */
  readonly listeners: number
  /** Bytes. */
  readonly heapUsed: number
  /** What Node has warned of since it started, too many listeners above all. */
  readonly warnings: readonly string[]
}

export interface MeasuredGateway {
  /** Origin: `/v1/…` follows. */
  readonly url: string
  measure(): Promise<Figures>
  kill(): Promise<void>
}

/** Starts a gateway whose figures are its own alone. It ends with the process that started it. */
export async function startMeasuredGateway(
  options: GatewayProcessOptions,
): Promise<MeasuredGateway> {
  const child = fork(ENTRY, [JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const port = await Promise.race([once(child, 'message'), ended.then(() => undefined)])
  if (!port) throw new Error(`the gateway ended with ${child.exitCode ?? child.signalCode}`)
  return {
    url: `http://127.0.0.1:${port[0] as number}`,
    async measure() {
      const answer = once(child, 'message')
      child.send('measure')
      const [figures] = (await answer) as [Figures]
      return figures
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
