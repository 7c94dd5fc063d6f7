import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PostgresFailed } from './errors.ts'

const FAST_STOP_MS = 60_000
const IMMEDIATE_STOP_MS = 10_000
const POLL_MS = 20

/**
 * Stops the server that still runs over `data` after its `npm start` was killed. The caller holds the folder's
 * lock, so nobody uses it. Returns its pid, or undefined if there was none.
 */
export async function stopOrphan(data: string): Promise<number | undefined> {
  const pid = postmasterOf(data)
  if (pid === undefined) {
    disown(data)
    return undefined
  }
  if (await ended(pid, data, 'SIGINT', FAST_STOP_MS)) return pid
  if (await ended(pid, data, 'SIGQUIT', IMMEDIATE_STOP_MS)) return pid
  throw new PostgresFailed(
    `An earlier PostgreSQL still runs over ${data}`,
    `process ${pid} does not stop. Stop it by hand (kill -9 ${pid}) and start again.`,
  )
}

/** The pid in postmaster.pid, if that process is alive and really serves this folder: pids come round again. */
function postmasterOf(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
    return pid > 0 && serves(pid, data) ? pid : undefined
  } catch {
    return undefined
  }
}

/**
 * PostgreSQL refuses to start while any process has the pid its predecessor left behind, a zombie or a stranger
 * too. That of its own parent it takes for stale, and goes on to its other check, for sessions still attached:
 * removing the file would skip that one.
 */
function disown(data: string): void {
  const path = join(data, 'postmaster.pid')
  if (!existsSync(path)) return
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^.*$/m, String(process.pid)))
}

/** A server's working directory is its data folder; where /proc is missing its command line names it. */
function serves(pid: number, data: string): boolean {
  if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data)
  const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  return command.includes('postgres') && command.includes(data)
}

async function ended(
  pid: number,
  data: string,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<boolean> {
  process.kill(pid, signal)
  for (let waited = 0; waited < withinMs; waited += POLL_MS) {
    if (postmasterOf(data) !== pid) return true
    await sleep(POLL_MS)
  }
  return false
}
