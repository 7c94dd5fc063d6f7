import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const ENTRY = join(import.meta.dirname, 'gateway-process.command.ts')

export interface GatewayProcessOptions {
  readonly databaseUrl: string
  /** Base URL every provider is configured with. */
  readonly upstreamUrl: string
  readonly leaseMs?: number
  readonly heartbeatMs?: number
  readonly logLevel?: string
}

/** A gateway in a process of its own, for what cannot be done to one inside the test's. */
export interface GatewayProcess {
  /** Origin: `/v1/…` follows. */
  readonly url: string
  readonly pid: number
  /** Resolves when the process is gone, however. */
  readonly ended: Promise<void>
  /** Stops it from running at all, as a machine that is suspended: its connections stay open. */
  pause(): void
  resume(): void
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
  /** Lets it finish what it has begun. */
  stop(): Promise<void>
}

/** Starts a gateway on an ephemeral port. It ends with the process that started it. `log` is a file descriptor. */
export async function startGatewayProcess(
  options: GatewayProcessOptions,
  log: number | 'inherit' = 'inherit',
): Promise<GatewayProcess> {
  const child = fork(ENTRY, [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', log, log, 'ipc'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const port = await Promise.race([once(child, 'message'), ended])
  if (!port) throw new Error(`the gateway ended with ${child.exitCode ?? child.signalCode}`)
  return {
    url: `http://127.0.0.1:${port[0] as number}`,
    pid: child.pid!,
    ended,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => signalled(child, 'SIGKILL', ended),
    stop: () => signalled(child, 'SIGTERM', ended),
  }
}

function signalled(child: ChildProcess, signal: NodeJS.Signals, ended: Promise<void>) {
  child.kill(signal)
  return ended
}
