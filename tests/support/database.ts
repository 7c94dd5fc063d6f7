import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { type Pool, createPool } from '@smartoken/prisma/database'
import { refuse } from './canary/findings.ts'
import { findInDatabase } from './canary/scan-database.ts'

/** A database of one test's or file's own. */
export interface TestDatabase {
  readonly url: string
  /** int8 as `bigint`, as the gateway has it. */
  readonly pool: Pool
  /** Ends the pool and removes the database, whoever is still connected. @throws where a secret was stored in it */
  drop(): Promise<void>
}

/** Copies the migrated template, in tens of ms. `empty: true` gives one that nothing was migrated in. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const { url: adminUrl, template } = inject('postgres')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await asAdmin(adminUrl, `create database ${name} template ${empty ? 'template0' : template}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const pool = createPool(url.href, {
    max: 10,
    applicationName: 'test',
    statementTimeoutMs: 10_000,
  })
  return {
    url: url.href,
    pool,
    async drop() {
      const findings = await findInDatabase(pool)
      await pool.end()
      await asAdmin(adminUrl, `drop database if exists ${name} with (force)`)
      refuse(findings)
    },
  }
}

/** A connection for each: an idle one in every worker would cost more than it saves. */
async function asAdmin(url: string, sql: string): Promise<void> {
  const admin = createPool(url, {
    max: 1,
    applicationName: 'test admin',
    statementTimeoutMs: 30_000,
  })
  try {
    await admin.query(sql)
  } finally {
    await admin.end()
  }
}
