/**
 * `npm run first-charge`: the README's first command as a newcomer runs it. Clones this repository into an empty
 * folder, starts it with an empty npm cache, pastes the printed curl, and prints how long the first charged answer took.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '..')
const PORT = process.env['PORT'] ?? '3900'
const LIMIT_MS = 300_000

const folder = mkdtempSync(join(tmpdir(), 'smartoken-first-charge-'))
const clone = join(folder, 'clone')
execFileSync('git', ['clone', '--quiet', ROOT, clone])

const startedAt = Date.now()
const child = spawn('npm', ['start'], {
  cwd: clone,
  env: { ...process.env, PORT, npm_config_cache: join(folder, 'cache') },
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const command = await curlOf(child)
  const answer = execFileSync('bash', ['-c', `${command} --silent --include`], { encoding: 'utf8' })
  const cost = /^x-smartoken-cost: (\S+)/m.exec(answer)?.[1]
  if (!cost) throw new Error(`The answer was not charged:\n${answer}`)
  const seconds = Math.round((Date.now() - startedAt) / 1_000)
  console.log(
    `First charged answer ($${cost}) ${seconds} s after \`npm start\` in an empty clone with an empty npm cache.`,
  )
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  child.kill('SIGTERM')
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
  rmSync(folder, { recursive: true, force: true })
}

/** Passes on what `npm start` prints, and finds the curl in it. */
async function curlOf(process: ChildProcess): Promise<string> {
  let printed = ''
  process.stdout!.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    console.log(chunk.toString().trimEnd())
  })
  const deadline = Date.now() + LIMIT_MS
  while (Date.now() < deadline && process.exitCode === null) {
    const command = /^ *(curl [\s\S]*?'\{.*\}')$/m.exec(printed)?.[1]
    if (command) return command
    await wait(100)
  }
  throw new Error(`npm start printed no curl within ${LIMIT_MS / 1_000} s.`)
}
