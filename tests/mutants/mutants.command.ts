/**
 * `npm run mutants`: breaks the money code in one way after another, in a copy, and shows which test sees it. Exits 1 if
 * one is not seen, or if the tests fail without it. With words, e.g. `-- stream`: only those that have one in their name.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Mutant, mutants as all } from './mutants.ts'
import { copyProject } from './project-copy.ts'
import { runTests } from './run-tests.ts'

const CHECK_MS = 600_000
/** Some ten times what the slowest of their test files takes. */
const MUTANT_MS = 120_000

const words = process.argv.slice(2)
const mutants = all.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
)
if (mutants.length === 0) throw new Error(`no mutant has ${words.join(' or ')} in its name`)

const copy = copyProject()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    copy.remove()
    process.exit(1)
  })
}
try {
  await checkTests()
  const rows = []
  for (const mutant of mutants) rows.push(await tryMutant(mutant))
  console.table(rows)
  const survived = rows.filter(({ 'seen by': seenBy }) => seenBy === '')
  console.log(`${mutants.length - survived.length} of ${mutants.length} mutants were caught.`)
  if (survived.length > 0) process.exitCode = 1
} finally {
  copy.remove()
}

/** What fails without a mutant catches none. */
async function checkTests(): Promise<void> {
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))]
  process.stderr.write(`Without a mutant: ${tests.length} test files … `)
  const { passed, failed } = await runTests(copy.folder, tests, CHECK_MS)
  process.stderr.write(`${passed} passed\n`)
  if (failed.length > 0) throw new Error(`these fail without a mutant: ${failed.join('; ')}`)
}

async function tryMutant({ name, file, from, to, tests }: Mutant) {
  const path = join(copy.folder, file)
  const source = readFileSync(path, 'utf8')
  if (source.split(from).length !== 2)
    throw new Error(`${file} does not have this exactly once: ${from}`)
  process.stderr.write(`${name} … `)
  writeFileSync(
    path,
    source.replace(from, () => to),
  )
  const { failed } = await runTests(copy.folder, tests, MUTANT_MS)
  writeFileSync(path, source)
  process.stderr.write(failed.length > 0 ? 'caught\n' : 'NOT CAUGHT\n')
  return { mutant: name, 'tests that fail': failed.length, 'seen by': failed[0] ?? '' }
}
