import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

/** Nothing but servers on this machine may be reached, and Chromium's own services not even asked for. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/** A real Chromium, from npm. Of its package only the binary is used: the package's own arguments switch off web security. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: join(unpacked(), 'chromium'), args: ARGUMENTS })

/**
 * The folder Chromium is unpacked in, once for each version and user. The package unpacks into the temporary folder and
 * takes whatever file it finds there for a whole one, so it gets a folder of its own that is moved into place when done.
 */
function unpacked(): string {
  const home = join(tmpdir(), `smartoken-chromium-${version()}-${userInfo().uid}`)
  if (existsSync(home)) return home
  mkdirSync(tmpdir(), { recursive: true })
  const work = mkdtempSync(`${home}-`)
  const script = `const { default: chromium } = await import('@sparticuz/chromium'); await chromium.executablePath()`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: work },
  })
  try {
    renameSync(work, home)
  } catch (error) {
    rmSync(work, { recursive: true, force: true })
    if (!existsSync(home)) throw error // else another run was quicker
  }
  return home
}

function version(): string {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const manifest = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return manifest.version
}
