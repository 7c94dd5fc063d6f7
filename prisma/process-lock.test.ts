import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startOf, takeLock } from './process-lock.ts'

let path: string
beforeEach(() => (path = join(mkdtempSync(join(tmpdir(), 'smartoken-lock-')), 'lock')))
afterEach(() => rmSync(dirname(path), { recursive: true, force: true }))

test('a lock is held by one, and free again when released', () => {
  const lock = takeLock(path)
  expect(takeLock(path)).toEqual({ held: false, pid: process.pid })
  if (lock.held) lock.release()
  expect(takeLock(path)).toMatchObject({ held: true })
})

test.each([
  ['a process that is gone', () => ({ pid: spawnSync('true').pid, start: 'whenever' })],
  ['an earlier process with our pid', () => ({ pid: process.pid, start: 'before' })],
  ['nobody: half a file', () => '{"pid":'],
])('a lock of %s is taken over and leaves nothing behind', (_name, content) => {
  writeFileSync(path, JSON.stringify(content()))
  expect(takeLock(path)).toMatchObject({ held: true })
  expect(readdirSync(dirname(path))).toEqual(['lock'])
})

test('releasing does not remove a lock that somebody else holds by now', () => {
  const lock = takeLock(path)
  writeFileSync(path, 'theirs')
  if (lock.held) lock.release()
  expect(readFileSync(path, 'utf8')).toBe('theirs')
})

test('a process has one start, and a process that is gone has none', () => {
  expect(startOf(process.pid)).toBe(startOf(process.pid))
  expect(startOf(process.pid)).toBeTruthy()
  expect(startOf(spawnSync('true').pid)).toBeUndefined()
})
