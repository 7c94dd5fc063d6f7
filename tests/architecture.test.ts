import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const OURS = '@smartoken/'

/** Source files of a workspace: what runs, not its tests or what was generated. */
const sourcesOf = (workspace: string): string[] =>
  globSync(`${workspace}/**/*.{ts,tsx,astro}`, { cwd: ROOT }).filter(
    (path) => !/\.(test|fixture)\.tsx?$|\/(node_modules|generated|dist|\.astro)\//.test(path),
  )

const importsOf = (path: string): string[] =>
  ts
    .preProcessFile(readFileSync(join(ROOT, path), 'utf8'))
    .importedFiles.map(({ fileName }) => fileName)

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const manifestOf = (workspace: string) =>
  JSON.parse(readFileSync(join(ROOT, workspace, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    devDependencies?: Record<string, string>
  }

describe.each(['site', 'api', 'gateway', 'prisma'])('%s', (workspace) => {
  const files = sourcesOf(workspace)

  test('has source files', () => {
    expect(files.length).toBeGreaterThan(5)
  })

  test('depends on nothing of ours but prisma', () => {
    const foreign = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => leaves(file, specifier, workspace))
        .map((specifier) => `${file}: ${specifier}`),
    )
    expect(foreign).toEqual([])
  })

  test('imports only packages it declares', () => {
    const { dependencies, devDependencies } = manifestOf(workspace)
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(devDependencies ?? {})])
    const undeclared = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !/^[./]|^(node|astro|virtual):|^#/.test(specifier))
        .filter(
          (specifier) => !builtinModules.includes(specifier) && !declared.has(packageOf(specifier)),
        )
        .map((specifier) => `${file}: ${specifier}`),
    )
    expect(undeclared).toEqual([])
  })

  test('names no file or folder after nothing', () => {
    const vague = /(^|\/)(utils?|helpers?|lib|common|misc|services)(\/|\.ts)|(^|\/)types\.ts$/
    expect(files.filter((file) => vague.test(file))).toEqual([])
  })
})

/** Whether an import goes to another workspace than its own or prisma. */
function leaves(file: string, specifier: string, workspace: string): boolean {
  if (specifier.startsWith(OURS)) return packageOf(specifier) !== `${OURS}prisma`
  return (
    specifier.startsWith('.') &&
    relative(workspace, join(dirname(file), specifier)).startsWith('..')
  )
}

describe('catalog, bill, money, keys and ids', () => {
  test.each(['catalog/index.ts', 'bill/index.ts', 'money.ts', 'keys.ts', 'ids.ts'])(
    '%s reaches no database client, so the site builds without a database',
    (entry) => {
      const reached = reach(`prisma/${entry}`)
      expect(
        reached.filter((name) => /^pg$|^@prisma\/|generated\/|database\.ts$/.test(name)),
      ).toEqual([])
    },
  )

  test('reaching is not blind: the ledger reaches pg', () => {
    expect(reach('prisma/ledger/index.ts')).toContain('pg')
  })
})

/** Everything an entry imports, directly or not: files of ours by path, packages by name. */
function reach(entry: string, seen = new Set<string>()): string[] {
  if (seen.has(entry)) return []
  seen.add(entry)
  for (const specifier of importsOf(entry)) {
    if (specifier.startsWith('.')) reach(join(dirname(entry), specifier), seen)
    else seen.add(packageOf(specifier))
  }
  return [...seen]
}
