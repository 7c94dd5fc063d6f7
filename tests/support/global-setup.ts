import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createPool } from '@smartoken/prisma/database'
import { generateIfStale } from '@smartoken/prisma/generate'
import { migrate } from '@smartoken/prisma/migrate'
import { startThrowAwayPostgres } from '@smartoken/prisma/postgres'

import { ALL } from './canary/canaries.ts'
import { findIn, refuse } from './canary/findings.ts'

const TEMPLATE = 'smartoken_template'

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * A cluster for this run alone: where to connect to create databases, what to copy them from, and its folder,
     * which goes with the run even if that is killed.
     */
    readonly postgres: { readonly url: string; readonly template: string; readonly folder: string }
  }
}

/** One cluster and one migrated template for the whole run; each test file takes cheap copies of it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await generateIfStale()
  const postgres = await startThrowAwayPostgres()
  try {
    await createTemplate(postgres.url)
  } catch (error) {
    await postgres.stop()
    throw error
  }
  project.provide('postgres', { url: postgres.url, template: TEMPLATE, folder: postgres.home })
  return async () => {
    const log = readFileSync(join(postgres.home, 'postgres.log'), 'utf8')
    await postgres.stop()
    refuse(findIn(log, 'the log of PostgreSQL', ALL))
  }
}

async function createTemplate(url: string): Promise<void> {
  const admin = createPool(url, {
    max: 1,
    applicationName: 'test setup',
    statementTimeoutMs: 30_000,
  })
  try {
    await admin.query(`create database ${TEMPLATE}`)
  } finally {
    await admin.end()
  }
  const template = new URL(url)
  template.pathname = `/${TEMPLATE}`
  await migrate(template.href)
}
