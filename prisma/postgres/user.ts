import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** A user and group PostgreSQL may run as. */
export interface User {
  readonly uid: number
  readonly gid: number
}

export const isRoot = (): boolean => process.getuid?.() === 0

/** Whether this process' user has an entry in /etc/passwd: initdb refuses to run as a mere number. */
export function hasName(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    return false
  }
}

/** `nobody`, or the first user that is not root: any will do as long as it has a name. */
export function ordinaryUser(): User {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0)
  const user = users.find(({ name }) => name === 'nobody') ?? users[0]
  if (!user)
    throw new Error('PostgreSQL does not run as root and /etc/passwd names no other user: add one.')
  return { uid: user.uid, gid: user.gid }
}
