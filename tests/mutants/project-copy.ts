import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const OURS = '@smartoken'

/**
 * The project's files in a folder of their own, to be changed at will. Packages are linked to, but for our own, which
 * are the copies.
 */
export function copyProject(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'smartoken-mutants-'))
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  for (const file of files.split('\n').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
  cpSync(join(ROOT, 'prisma', 'generated'), join(folder, 'prisma', 'generated'), {
    recursive: true,
  })
  linkPackages(folder)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function linkPackages(folder: string): void {
  const [packages, linked] = [join(ROOT, 'node_modules'), join(folder, 'node_modules')]
  mkdirSync(join(linked, OURS), { recursive: true })
  for (const name of readdirSync(packages).filter((entry) => entry !== OURS))
    symlinkSync(join(packages, name), join(linked, name))
  for (const name of readdirSync(join(packages, OURS)))
    symlinkSync(join(folder, name), join(linked, OURS, name))
}
