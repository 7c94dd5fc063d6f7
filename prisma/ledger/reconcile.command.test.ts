import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../tests/support/accounts.ts'
import { spend } from '../../tests/support/books.ts'
import { createDatabase } from '../../tests/support/database.ts'
import { prepareHolds } from '../../tests/support/holds.ts'

describe('npm run reconcile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'smartoken-reconcile-'))
  const metrics = join(folder, 'smartoken.prom')

  afterAll(() => rmSync(folder, { recursive: true }))

  const run = (url: string, ...options: string[]) =>
    promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, 'reconcile.command.ts'), ...options],
      { env: { ...process.env, DATABASE_URL: url } },
    ).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        stdout,
        stderr,
      }),
    )

  test('prints what it compared, freezes what is broken, and says both to Prometheus', async () => {
    const own = await createDatabase()
    try {
      await prepareHolds(own.pool)
      const broken = await createAccount(own.pool, { balance: '1' })
      await spend(own.pool, broken, '0.04')

      const right = await run(own.url, '--metrics', metrics)
      expect(right).toMatchObject({ code: 0, stderr: '' })
      expect(right.stdout).toContain('wallet = its lots')
      expect(right.stdout).toContain('The books are right')
      expect(readFileSync(metrics, 'utf8')).toContain(
        'smartoken_reconcile_breaks{check="wallet = its lots"} 0\n',
      )

      await own.pool.query('update wallet set posted = posted + 1')
      const dry = await run(own.url, '--dry-run')
      expect(dry).toMatchObject({ code: 1 })
      expect(dry.stdout).toContain(broken.accountId)
      const frozen = async () =>
        (await own.pool.query('select frozen_at is not null as frozen from account')).rows
      expect(await frozen()).toEqual([{ frozen: false }])

      const wrong = await run(own.url, '--metrics', metrics)
      expect(wrong).toMatchObject({ code: 1 })
      expect(wrong.stdout).toContain(`Frozen: ${broken.accountId}`)
      expect(await frozen()).toEqual([{ frozen: true }])
      const text = readFileSync(metrics, 'utf8')
      expect(text).toContain('smartoken_reconcile_breaks{check="wallet = its lots"} 1\n')
      expect(text).toContain('smartoken_margin_nano_usd{route="provider/model"} 10000000\n')
      expect(text).toMatch(/^smartoken_reconcile_last_run_timestamp_seconds \d{10}$/m)
      expect(readdirSync(folder)).toEqual(['smartoken.prom'])
    } finally {
      await own.drop()
    }
  })

  test('says so when there is no database, and leaves the metrics as they were', async () => {
    const before = readdirSync(folder)
    const answer = await run('postgresql://127.0.0.1:1/none', '--metrics', metrics)
    expect(answer).toMatchObject({ code: 1 })
    expect(readdirSync(folder)).toEqual(before)
  })
})
