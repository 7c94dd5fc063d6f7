import { type ChildProcess, type SpawnOptions, execFile, spawn } from 'node:child_process'
import { chownSync, cpSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installedPostgres } from './binaries.ts'
import { isMoved, movedHome } from './moved-home.ts'
import { type User, hasName, isRoot, ordinaryUser } from './user.ts'

/** How PostgreSQL's programs are run here: they refuse root, and a user without a name. */
export interface Launcher {
  /** Where data and log are kept: the folder asked for, or one that another user can enter. */
  readonly home: string
  /** Runs a program in a session of its own, out of reach of the terminal's Ctrl-C. */
  launch(
    program: 'initdb' | 'postgres',
    args: readonly string[],
    options: SpawnOptions,
  ): ChildProcess
  /** Gives a file of ours to the user PostgreSQL runs as. */
  give(path: string): void
}

/**
 * Runs PostgreSQL as the user we are. Root is mapped to an ordinary user in a user namespace, so that files stay
 * root's and a folder only root may enter works. Where the kernel refuses that, binaries and data live under
 * /var/tmp and an ordinary user runs them.
 */
export async function createLauncher(folder: string): Promise<Launcher> {
  const binaries = await installedPostgres()
  if (!isRoot() && hasName()) return plain(folder, binaries)
  const user = ordinaryUser()
  if (!isMoved(folder) && (await canMap(user, folder, binaries)))
    return mapped(folder, binaries, user)
  return isRoot() ? switched(movedHome(folder, user), binaries, user) : plain(folder, binaries)
}

function plain(home: string, binaries: string): Launcher {
  return {
    home,
    launch: (program, args, options) =>
      spawn(join(binaries, 'bin', program), args, { ...options, detached: true }),
    give: () => {},
  }
}

function mapped(home: string, binaries: string, user: User): Launcher {
  return {
    home,
    launch: (program, args, options) =>
      spawn('unshare', [...mapping(user), join(binaries, 'bin', program), ...args], {
        ...options,
        detached: true,
      }),
    give: () => {},
  }
}

function switched(home: string, installed: string, user: User): Launcher {
  const binaries = join(home, 'postgresql')
  if (!existsSync(binaries)) {
    rmSync(`${binaries}.new`, { recursive: true, force: true })
    cpSync(installed, `${binaries}.new`, { recursive: true, verbatimSymlinks: true })
    renameSync(`${binaries}.new`, binaries)
  }
  return {
    home,
    launch: (program, args, options) =>
      spawn(join(binaries, 'bin', program), args, {
        ...options,
        ...user,
        cwd: home,
        detached: true,
      }),
    give: (path) => chownSync(path, user.uid, user.gid),
  }
}

const mapping = ({ uid, gid }: User): string[] => [
  '--user',
  `--map-user=${uid}`,
  `--map-group=${gid}`,
  '--',
]

/** Tries it: whether the mapped user runs the binaries and writes to the folder. */
async function canMap(user: User, folder: string, binaries: string): Promise<boolean> {
  const attempt = 'test -w "$1" && exec "$2" --version'
  const postgres = join(binaries, 'bin', 'postgres')
  return promisify(execFile)('unshare', [
    ...mapping(user),
    'sh',
    '-c',
    attempt,
    'sh',
    folder,
    postgres,
  ]).then(
    () => true,
    () => false,
  )
}
