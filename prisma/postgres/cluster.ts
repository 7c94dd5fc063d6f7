import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  openSync,
  closeSync,
  fsyncSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { PostgresDataUnusable, PostgresFailed } from './errors.ts'
import type { Launcher } from './launcher.ts'

/** The database user that owns everything. */
export const SUPERUSER = 'smartoken'

const MAJOR = '18'
const PASSWORD_FILE = 'smartoken-password'
const DRAFT = /^data\.new/

/** Where the cluster's data lie and the superuser's password, which never leaves this machine. */
export interface Cluster {
  readonly data: string
  readonly password: string
}

/**
 * The cluster in the launcher's home, made on first use. It is made aside and renamed, so a start cut short leaves
 * nothing that looks like a database.
 * @throws PostgresDataUnusable if what lies there is not a cluster of this version
 */
export async function ensureCluster(launcher: Launcher, durable: boolean): Promise<Cluster> {
  const data = join(launcher.home, 'data')
  if (!existsSync(data)) await createCluster(launcher, data, durable)
  const version = readIn(data, 'PG_VERSION')
  if (version !== MAJOR) {
    const found = version === undefined ? 'no PostgreSQL data' : `the data of PostgreSQL ${version}`
    throw new PostgresDataUnusable(data, `it holds ${found}, not of PostgreSQL ${MAJOR}.`)
  }
  // A copy or a backup may have lost its mode, and PostgreSQL insists on it.
  chmodSync(data, 0o700)
  const password = readIn(data, PASSWORD_FILE)
  if (!password) throw new PostgresDataUnusable(data, `the file ${PASSWORD_FILE} in it is missing.`)
  return { data, password }
}

async function createCluster(launcher: Launcher, data: string, durable: boolean): Promise<void> {
  for (const name of readdirSync(launcher.home).filter((entry) => DRAFT.test(entry))) {
    rmSync(join(launcher.home, name), { recursive: true, force: true })
  }
  const draft = `${data}.new`
  const password = `${draft}.password`
  writeFileSync(password, randomBytes(24).toString('hex'), { mode: 0o600, flush: true })
  launcher.give(password)
  await initdb(launcher, [
    `--pgdata=${draft}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Byte order and Unicode's own case rules, the same on every machine whatever its C library.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ])
  renameSync(password, join(draft, PASSWORD_FILE))
  if (durable) syncFolder(draft)
  renameSync(draft, data)
  if (durable) syncFolder(launcher.home)
}

async function initdb(launcher: Launcher, args: readonly string[]): Promise<void> {
  const child = launcher.launch('initdb', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: Buffer) => (output += chunk.toString())
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  const code = await new Promise((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  if (code !== 0)
    throw new PostgresFailed(`PostgreSQL could not set up its folder in ${launcher.home}`, output)
}

function syncFolder(path: string): void {
  const handle = openSync(path, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function readIn(folder: string, name: string): string | undefined {
  const path = join(folder, name)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}
