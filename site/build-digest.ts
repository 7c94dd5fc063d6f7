import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadCatalog, pricesLiveAt } from '@smartoken/prisma/catalog'
import type { Configuration } from './src/configuration.ts'

const SITE = import.meta.dirname
const ROOT = dirname(SITE)
const CATALOG = dirname(fileURLToPath(import.meta.resolve('@smartoken/prisma/catalog')))
const BILL = dirname(fileURLToPath(import.meta.resolve('@smartoken/prisma/bill')))
const MONEY = fileURLToPath(import.meta.resolve('@smartoken/prisma/money'))

/** The packages' versions are in the lock file; Astro's is one of them. */
const sources = [
  ...['src', 'public', 'astro.config.ts', 'astro-build.ts', 'precompress.ts'].map((name) =>
    join(SITE, name),
  ),
  ...['robots.txt', 'package-lock.json'].map((name) => join(ROOT, name)),
  CATALOG,
  BILL,
  MONEY,
]

/**
 * Names a build: SHA-256, hex, over everything its pages depend on, which includes the prices in
 * force `at`, since a page that announces a price is stale once it has begun.
 * @throws CatalogError where the catalog cannot be loaded
 */
export function buildDigest(configuration: Configuration, at: Date): string {
  const hash = createHash('sha256')
  for (const path of sources.flatMap(filesUnder)) {
    hash
      .update(`${relative(ROOT, path)}\0`)
      .update(readFileSync(path))
      .update('\0')
  }
  const live = loadCatalog().models.flatMap((model) => pricesLiveAt(model, at).map(({ id }) => id))
  return hash.update(JSON.stringify({ configuration, live })).digest('hex')
}

function filesUnder(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}
