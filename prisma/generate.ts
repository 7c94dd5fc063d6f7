import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { takeLock } from './process-lock.ts'

const HERE = dirname(fileURLToPath(import.meta.url))
const OUTPUT = join(HERE, 'generated')
const STAMP = join(OUTPUT, 'inputs.sha256')

const LOCK_POLL_MS = 100
const LOCK_POLLS = 1_200

const { resolve } = createRequire(import.meta.url)

/**
 * Generates the Prisma client and the Pothos types into prisma/generated unless they were generated from just this
 * schema by just these versions. Returns whether it did. Several processes may call it at once.
 * @throws Error with Prisma's words if the schema is wrong
 */
export async function generateIfStale(): Promise<boolean> {
  if (isFresh()) return false
  mkdirSync(OUTPUT, { recursive: true })
  const release = await waitForLock()
  try {
    if (isFresh()) return false
    const digest = inputsDigest()
    await generate()
    writeFileSync(STAMP, digest)
    return true
  } finally {
    release()
  }
}

/** By content: a checkout gives old files new times. */
const isFresh = (): boolean => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === inputsDigest()

function inputsDigest(): string {
  const inputs = [
    join(HERE, 'schema.prisma'),
    join(HERE, 'prisma.config.ts'),
    // Names the generators' exact versions.
    join(HERE, 'package.json'),
  ]
  const hash = createHash('sha256')
  for (const input of inputs) hash.update(readFileSync(input)).update('\0')
  return hash.digest('hex')
}

async function waitForLock(): Promise<() => void> {
  for (let poll = 0; poll < LOCK_POLLS; poll += 1) {
    const lock = takeLock(join(OUTPUT, 'lock'))
    if (lock.held) return () => lock.release()
    await sleep(LOCK_POLL_MS)
  }
  throw new Error(
    `Another process has been generating ${OUTPUT} for two minutes. Stop it and try again.`,
  )
}

async function generate(): Promise<void> {
  const prisma = resolve('prisma/package.json')
  const generators = join(dirname(dirname(prisma)), '.bin')
  const env = {
    ...process.env,
    PATH: [generators, dirname(process.execPath), process.env['PATH']].join(delimiter),
    // `generate` looks for an engine it never runs and would download it; any program will do.
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  }
  const command = join(dirname(prisma), 'build', 'index.js')
  await promisify(execFile)(process.execPath, [command, 'generate'], { cwd: HERE, env }).catch(
    (error: Error & { stdout?: string; stderr?: string }) => {
      const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
      throw new Error(`Generating from prisma/schema.prisma failed:\n${output || error.message}`)
    },
  )
}

if (import.meta.main && (await generateIfStale())) console.log('Generated prisma/generated.')
