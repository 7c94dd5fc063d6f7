import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sample } from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { anyReceipt } from './receipt.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'smartoken-receipt-'))
afterAll(() => rmSync(folder, { recursive: true }))

const command = join(import.meta.dirname, 'receipt.command.ts')
const run = (args: readonly string[], input = '') =>
  spawnSync(process.execPath, [command, ...args], { input, encoding: 'utf8' })

const { receipt } = sample(anyReceipt, { seed: 1, numRuns: 1 })[0]!
const json = JSON.stringify(receipt)

function file(text: string): string {
  const path = join(folder, 'receipt.txt')
  writeFileSync(path, text)
  return path
}

test('prints why a request cost what it did, from a file or from standard input', () => {
  for (const { status, stdout } of [
    run([file(json)]),
    run(['-'], `data: {}\n\n: receipt ${json}\n\ndata: [DONE]\n\n`),
  ]) {
    expect(stdout).toContain(receipt.price.id)
    expect(stdout).toContain(receipt.charge_usd)
    expect(stdout).toContain('The receipt is right')
    expect(status).toBe(0)
  }
})

test('fails where the amount differs, and says by how much', () => {
  const { status, stderr } = run(['-'], JSON.stringify({ ...receipt, charge_usd: '9999.00' }))
  expect(stderr).toContain(`charge_usd is 9999.00, worked out anew it is ${receipt.charge_usd}`)
  expect(status).toBe(1)
})

test.each([
  ['no file', [], 'Name a file'],
  ['a file that is not there', [join(folder, 'none')], 'no such file'],
  ['a file without a receipt', [command], 'There is no receipt in this'],
])('given %s, says what to do', (_what, args, expected) => {
  const { status, stderr } = run(args)
  expect(stderr).toContain(expected)
  expect(stderr).not.toContain('    at ')
  expect(status).toBe(1)
})
