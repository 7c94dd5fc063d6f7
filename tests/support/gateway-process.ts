import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ALL } from './canary/canaries.ts'
import { findIn, refuse } from './canary/findings.ts'

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
  /** `kill -9`; resolves when it is gone. @throws, as `stop` does, where it has printed a secret */
  kill(): Promise<void>
  /** Lets it finish what it has begun. */
  stop(): Promise<void>
}

/**
 * Starts a gateway on an ephemeral port. It ends with the process that started it. Whatever it prints is kept until then
 * and searched for secrets; or goes where this process's own does.
 */
export async function startGatewayProcess(
  options: GatewayProcessOptions,
  log: 'searched' | 'inherit' = 'searched',
): Promise<GatewayProcess> {
  const to = log === 'searched' ? 'pipe' : log
  const logLevel = options.logLevel ?? (log === 'searched' ? 'debug' : 'silent')
  const child = fork(ENTRY, [JSON.stringify({ ...options, logLevel })], {
    execArgv: [],
    stdio: ['ignore', to, to, 'ipc'],
  })
  let printed = ''
  for (const output of [child.stdout, child.stderr])
    output?.on('data', (bytes: Buffer) => (printed += bytes.toString('utf8')))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const port = await Promise.race([once(child, 'message'), ended])
  if (!port)
    throw new Error(`the gateway ended with ${child.exitCode ?? child.signalCode}: ${printed}`)
  const searched = ended.then(() => refuse(findIn(printed, 'what a gateway printed', ALL)))
  searched.catch(() => {}) // told to whoever waits for the end
  return {
    url: `http://127.0.0.1:${port[0] as number}`,
    pid: child.pid!,
    ended,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => signalled(child, 'SIGKILL', searched),
    stop: () => signalled(child, 'SIGTERM', searched),
  }
}

function signalled(child: ChildProcess, signal: NodeJS.Signals, ended: Promise<void>) {
  child.kill(signal)
  return ended
}
