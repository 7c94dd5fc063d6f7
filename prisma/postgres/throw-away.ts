import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeLock } from '../process-lock.ts'
import { stopOrphan } from './orphan.ts'
import { type Postgres, startPostgres } from './start.ts'

const PREFIX = 'smartoken-postgres-'
const MEMORY = '/dev/shm'
const ROOMY_BYTES = 2_000_000_000

/** Waits for its input to close, which is when our process ends however it ends, then stops the server in $1. */
const WATCH = `
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid") && kill -QUIT "$pid"
tries=0
while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$@"
`

/**
 * A PostgreSQL for a test run, in a folder of its own: fast, without any promise to survive, and gone with this
 * process even if that is killed.
 */
export async function startThrowAwayPostgres(): Promise<Postgres> {
  const parent = roomyMemory() ? MEMORY : tmpdir()
  await removeLeftovers(parent)
  const folder = mkdtempSync(join(parent, PREFIX))
  const folders = new Set([folder])
  const remove = () => folders.forEach((path) => rmSync(path, { recursive: true, force: true }))
  try {
    const postgres = await startPostgres({ folder, durable: false })
    const watcher = watch([...folders.add(postgres.home)].toReversed())
    return {
      ...postgres,
      async stop() {
        watcher.kill('SIGKILL')
        watcher.stdin?.destroy()
        await postgres.stop()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** Creating a database makes hundreds of files: some 10 ms in memory, a multiple of that on many a disk. */
function roomyMemory(): boolean {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > ROOMY_BYTES
}

/** What a run left whose watcher was killed too. A folder is proven ours by our lock, and left by its dead holder. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(parent, name)
    if (!existsSync(join(folder, 'lock'))) continue
    try {
      if (!takeLock(join(folder, 'lock')).held) continue
      await stopOrphan(join(folder, 'data'))
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another user's: not ours to clean.
    }
  }
}

/** The first folder holds the data; all are removed. */
function watch(folders: readonly string[]): ChildProcess {
  const watcher = spawn('sh', ['-c', WATCH, 'sh', ...folders], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  return watcher
}
