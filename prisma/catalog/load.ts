import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { buildModel, buildProviders, buildSource, buildWindows } from './build.ts'
import { checkCatalog } from './check.ts'
import { families, type Catalog, type FamilyId, type Model } from './model.ts'
import { CatalogError, type Problem } from './problem.ts'
import { parseFile } from './read-file.ts'
import { exchangeFile, modelFile, providersFile, windowsFile } from './schema.ts'

const MODEL_PATH = /^models\/([^/]+)\/([^/]+)\.yaml$/

/**
 * Reads and checks the whole catalog: `models/<family>/<id>.yaml`, `providers.yaml`, `windows.yaml`
 * and `exchange.yaml`. Synchronous, some 100 ms; once per process.
 * @throws CatalogError that lists every problem of every file, a sold model without a price at `now` among them
 */
export function loadCatalog(folder: string = import.meta.dirname, now: Date = new Date()): Catalog {
  const problems: Problem[] = []
  const files = readFiles(folder)
  const parse = <Schema extends Parameters<typeof parseFile>[2]>(file: string, schema: Schema) => {
    const content = files.get(file)
    if (content !== undefined) return parseFile(file, content, schema, problems)
    problems.push({ file, field: undefined, reason: 'is missing' })
    return undefined
  }
  const providers = parse('providers.yaml', providersFile)
  const windows = parse('windows.yaml', windowsFile)
  const exchange = parse('exchange.yaml', exchangeFile)
  const models = buildModels(files, problems)
  if (!providers || !windows || !exchange) throw new CatalogError(problems)

  const catalog: Catalog = {
    models,
    providers: buildProviders(providers),
    windows: buildWindows(windows),
    yuan: { nanoUsd: exchange.yuan.usd, source: buildSource(exchange.yuan.source) },
    digest: digestOf(files),
  }
  problems.push(...checkCatalog(catalog, now))
  if (problems.length > 0) throw new CatalogError(problems)
  return catalog
}

/** Every YAML file and everything under `models/`, by path relative to the folder, sorted. */
function readFiles(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => path.slice(join(folder, sep).length).replaceAll(sep, '/'))
    .filter((path) => path.startsWith('models/') || /^[^/]+\.yaml$/.test(path))
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder, path), 'utf8')]))
}

function buildModels(files: ReadonlyMap<string, string>, problems: Problem[]): Model[] {
  const models: Model[] = []
  for (const [file, content] of files) {
    if (!file.startsWith('models/')) continue
    const [, family, id] = MODEL_PATH.exec(file) ?? []
    if (family === undefined || id === undefined || !isFamily(family)) {
      const reason = `is not models/<family>/<id>.yaml, where the family is one of ${families.join(', ')}`
      problems.push({ file, field: undefined, reason })
      continue
    }
    const parsed = parseFile(file, content, modelFile, problems)
    if (parsed) models.push(buildModel(id, family, parsed))
  }
  return models.toSorted(
    (left, right) =>
      families.indexOf(left.family) - families.indexOf(right.family) ||
      left.id.localeCompare(right.id, 'en', { numeric: true }),
  )
}

function isFamily(text: string): text is FamilyId {
  return families.some((family) => family === text)
}

/** SHA-256, hex, over paths and contents, each ended by a NUL so that no two catalogs read the same. */
function digestOf(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
  for (const [path, content] of files) hash.update(`${path}\0${content}\0`)
  return hash.digest('hex')
}
