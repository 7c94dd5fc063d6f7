import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** A held lock, or the process that holds it. */
export type Lock = { readonly held: true; release(): void } | { readonly held: false; pid: number }

/** Stale locks taken over before giving up: more than two processes racing for one is not a case we have. */
const ATTEMPTS = 5

/**
 * Takes the lock file at `path` for this process, taking over one whose process is gone (`kill -9`, power cut).
 * Node has no `flock`, so the file names its holder by pid and start: a pid alone comes round again.
 * @throws the file system's error where the folder cannot be written
 */
export function takeLock(path: string): Lock {
  const mine = JSON.stringify({ pid: process.pid, start: startOf(process.pid), id: randomUUID() })
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (create(path, mine)) return { held: true, release: () => releaseIf(path, mine) }
    const theirs = readOr(path, '')
    const pid = livingHolder(theirs)
    if (pid !== undefined) return { held: false, pid }
    discard(path, theirs)
  }
  throw new Error(`The lock ${path} keeps changing hands. Try again in a moment.`)
}

/** What tells a process from a later one with the same pid, or undefined if there is no such process. */
export function startOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return linuxStart(pid)
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

function linuxStart(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces; state is field 3 and the start time, in ticks since boot, field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z') throw new Error('a zombie has ended')
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`
}

/** A link appears with its content or not at all, so nobody ever reads a half-written lock. */
function create(path: string, content: string): boolean {
  const draft = `${path}.${randomUUID()}`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves a stale lock aside; one that changed in between belongs to somebody quicker and is put back. */
function discard(path: string, stale: string): void {
  const aside = `${path}.${randomUUID()}`
  try {
    renameSync(path, aside)
    if (readOr(aside, stale) !== stale) linkSync(aside, path)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function livingHolder(content: string): number | undefined {
  try {
    const { pid, start } = JSON.parse(content) as { pid: number; start: string }
    return startOf(pid) === start ? pid : undefined
  } catch {
    return undefined
  }
}

function releaseIf(path: string, mine: string): void {
  if (readOr(path, '') === mine) rmSync(path, { force: true })
}

function readOr(path: string, absent: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return absent
  }
}
