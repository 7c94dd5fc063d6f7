import { execFileSync } from 'node:child_process'
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { PostgresDataUnusable } from './errors.ts'
import type { User } from './user.ts'

/** Whether the data of `folder` already live elsewhere. */
export const isMoved = (folder: string): boolean =>
  lstatSync(link(folder), { throwIfNoEntry: false })?.isSymbolicLink() ?? false

/**
 * The folder under /var/tmp that stands in for `folder`, which `user` cannot enter; `<folder>/moved` links to it.
 * Data that were kept in `folder` so far are copied, and the originals stay as `data.before-move`.
 */
export function movedHome(folder: string, user: User): string {
  if (isMoved(folder)) return followed(folder)
  const home = mkdtempSync('/var/tmp/smartoken-')
  chownSync(home, user.uid, user.gid)
  const data = join(folder, 'data')
  if (existsSync(data)) {
    cpSync(data, join(home, 'data'), { recursive: true, preserveTimestamps: true })
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, join(home, 'data')])
    symlinkSync(home, link(folder))
    renameSync(data, `${data}.before-move`)
    return home
  }
  symlinkSync(home, link(folder))
  return home
}

function followed(folder: string): string {
  const home = readlinkSync(link(folder))
  if (!existsSync(home))
    throw new PostgresDataUnusable(link(folder), `it was moved to ${home}, which is gone.`)
  return home
}

const link = (folder: string): string => join(folder, 'moved')
