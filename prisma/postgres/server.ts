import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PostgresDataUnusable } from './errors.ts'
import { lastComplaint } from './errors.ts'
import type { Launcher } from './launcher.ts'

const START_ATTEMPTS = 20
const RETRY_MS = 500
const READY_MS = 120_000
const POLL_MS = 10
const STOP_MS = 60_000
const LOG_BYTES = 10_000_000

/** A server that accepts connections. */
export interface Server {
  readonly port: number
  readonly pid: number
  /** Resolves when the process is gone, stopped or not. */
  readonly ended: Promise<void>
  /** Fast shutdown: sessions are cut, everything committed is on disk; resolves when the process is gone. */
  stop(): Promise<void>
}

/** Starts PostgreSQL over `data` on a port of 127.0.0.1, a free one by default, and waits until it is ready (at most 120 s). */
export async function startServer(
  launcher: Launcher,
  data: string,
  settings: Readonly<Record<string, string>>,
  port?: number,
): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptStart(launcher, data, port ?? (await freePort()), settings)
    if (typeof outcome !== 'string') return outcome
    if (attempt === START_ATTEMPTS || !isPassing(outcome)) {
      throw new PostgresDataUnusable(data, lastComplaint(outcome))
    }
    await sleep(RETRY_MS)
  }
}

/** The port was taken in between, or sessions of a killed server are just finding out that it is gone. */
const isPassing = (output: string): boolean =>
  /Address already in use|could not create any TCP\/IP sockets|shared memory block .* is still in use/.test(
    output,
  )

async function attemptStart(
  launcher: Launcher,
  data: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<Server | string> {
  const logPath = join(launcher.home, 'postgres.log')
  const log = openSync(logPath, sizeOf(logPath) > LOG_BYTES ? 'w' : 'a', 0o600)
  const from = sizeOf(logPath)
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ...settings,
  }
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = launcher.launch('postgres', ['-D', data, ...options], {
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise<void>((resolve, reject) =>
    child.once('error', reject).once('exit', () => resolve()),
  )
  if (await isReady(child, data, ended)) return serverOf(child, port, ended)
  return readFileSync(logPath).subarray(from).toString()
}

/** PostgreSQL writes `ready` into the eighth line of postmaster.pid when it accepts connections. */
async function isReady(child: ChildProcess, data: string, ended: Promise<void>): Promise<boolean> {
  for (let waited = 0; waited < READY_MS; waited += POLL_MS) {
    await Promise.race([ended, sleep(POLL_MS)])
    if (hasEnded(child)) return false
    const lines = postmasterFile(data)
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true
  }
  child.kill('SIGQUIT')
  return false
}

function serverOf(child: ChildProcess, port: number, ended: Promise<void>): Server {
  return { port, pid: child.pid!, ended, stop }

  async function stop(): Promise<void> {
    if (hasEnded(child)) return
    child.kill('SIGINT')
    const impatience = setTimeout(() => child.kill('SIGQUIT'), STOP_MS)
    await ended
    clearTimeout(impatience)
  }
}

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

function postmasterFile(data: string): string[] {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('127.0.0.1 gave no port')
  return address.port
}
