import { randomUUID } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lstatSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { buildDigest } from './build-digest.ts'
import { buildsIn, currentIn, DIST_FOLDER } from './dist.ts'
import { readConfiguration, type Configuration } from './src/configuration.ts'

export interface BuildOptions {
  /** The origin the pages will be served on. */
  readonly publicUrl: string
  /** Builds even where nothing has changed. */
  readonly force?: boolean
  /** Where builds are kept; see dist.ts. */
  readonly folder?: string
  /** Ends a build under way. */
  readonly signal?: AbortSignal
}

const WORK = 'work-'
const TIMEOUT_MS = 120_000

/** The current build, the one before, and one more: servers may still be reading older ones. */
const BUILDS_KEPT = 3

/**
 * Builds the site unless a build is kept of the same sources, catalog, prices in force and configuration
 * (`publicUrl`, and `PAYMENT_CHANNELS` from the environment), and makes that the current one. Prints nothing.
 * @throws AbortError when `signal` ended it; Error with what Astro said: the build from before stays the current one
 */
export async function buildSite(options: BuildOptions): Promise<'built' | 'fresh'> {
  const { publicUrl, force = false, folder = DIST_FOLDER, signal } = options
  const configuration = readConfiguration({ ...process.env, PUBLIC_URL: publicUrl })
  const digest = buildDigest(configuration, new Date())
  await mkdir(buildsIn(folder), { recursive: true })
  const earlier = force ? undefined : buildOf(folder, digest)
  if (earlier !== undefined) {
    makeCurrent(folder, earlier)
    return 'fresh'
  }
  const work = await mkdtemp(join(folder, WORK))
  try {
    await runAstro(configuration, work, signal)
    publish(folder, work, digest)
  } finally {
    remove(work)
  }
  removeOldBuilds(folder)
  return 'built'
}

/** A build kept from the same inputs, current or not: going back to a configuration builds nothing. */
const buildOf = (folder: string, digest: string): string | undefined =>
  readdirSync(buildsIn(folder))
    .toSorted()
    .findLast((name) => name.startsWith(`${digest}-`))

async function runAstro(
  configuration: Configuration,
  work: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const script = join(import.meta.dirname, 'astro-build.ts')
  const child = spawn(process.execPath, [script, join(work, 'out'), join(work, 'cache')], {
    cwd: import.meta.dirname,
    env: environmentOf(configuration),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    signal,
  })
  const [output, errors, [code, killedBy]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ])
  if (code === 0) return
  const how =
    killedBy === null ? `exit code ${code}` : `${killedBy}, after at most ${TIMEOUT_MS} ms`
  throw new Error(`The site could not be built (${how}).\n${output}${errors}`)
}

/** Not the whole environment: a build needs no secret. */
function environmentOf({ publicUrl, paymentChannels }: Configuration): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env
  return {
    PATH,
    HOME,
    TMPDIR,
    ASTRO_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
    PUBLIC_URL: publicUrl,
    PAYMENT_CHANNELS: paymentChannels.join(','),
  }
}

function publish(folder: string, work: string, digest: string): void {
  const name = `${digest}-${Date.now().toString(36)}`
  renameSync(join(work, 'out'), join(buildsIn(folder), name))
  makeCurrent(folder, name)
}

/** Renames are atomic: readers of `current` see the old build or the new one. */
function makeCurrent(folder: string, name: string): void {
  const target = join('builds', name)
  // Builds are removed by age; one taken up again is young.
  utimesSync(join(folder, target), new Date(), new Date())
  if (linkOf(folder) === target) return
  const link = join(folder, `current-${randomUUID()}`)
  symlinkSync(target, link)
  renameSync(link, currentIn(folder))
}

const linkOf = (folder: string): string | undefined =>
  lstatSync(currentIn(folder), { throwIfNoEntry: false }) && readlinkSync(currentIn(folder))

function removeOldBuilds(folder: string): void {
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(WORK))) {
    // Of a build that was killed: one at work now ends long before.
    if (Date.now() - statSync(join(folder, name)).mtimeMs > 2 * TIMEOUT_MS)
      remove(join(folder, name))
  }
  const builds = readdirSync(buildsIn(folder))
    .map((name) => join(buildsIn(folder), name))
    .toSorted((left, right) => statSync(right).mtimeMs - statSync(left).mtimeMs)
  builds.slice(BUILDS_KEPT).forEach(remove)
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

if (import.meta.main) {
  const { publicUrl } = readConfiguration(process.env)
  const outcome = await buildSite({ publicUrl, force: process.argv.includes('--force') })
  console.log(`${currentIn(DIST_FOLDER)}: ${outcome}`)
}
