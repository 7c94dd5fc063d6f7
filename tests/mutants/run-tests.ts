import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const report = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      message: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
})

export interface TestRun {
  readonly passed: number
  /** Names of the tests that failed, or why a file could not run or end. */
  readonly failed: readonly string[]
}

/**
 * Runs test files of a copy of the project. A change can leave something waiting for ever: what has not ended after so
 * many ms is taken for failed. @throws when there is no report: then the run itself is broken
 */
export async function runTests(
  folder: string,
  tests: readonly string[],
  mostMs: number,
): Promise<TestRun> {
  const file = join(folder, 'report.json')
  rmSync(file, { force: true })
  const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', ...tests], {
    cwd: folder,
    env: { ...process.env, VITEST_REPORT: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const late = new AbortController()
  const deadline = setTimeout(() => {
    late.abort()
    child.kill('SIGKILL')
  }, mostMs)
  await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(deadline)
  if (late.signal.aborted)
    return { passed: 0, failed: [`the tests did not end within ${mostMs / 1_000} s`] }
  const { numPassedTests, testResults } = report.parse(readReport(file, printed))
  const broken = testResults.find(({ message }) => message.startsWith('Transform failed'))
  if (broken) throw new Error(`that is no program: ${broken.message}`)
  return {
    passed: numPassedTests,
    failed: testResults.flatMap(({ status, message, assertionResults }) => {
      const names = assertionResults
        .filter((test) => test.status === 'failed')
        .map(({ fullName }) => fullName)
      return names.length > 0 || status !== 'failed' ? names : [message.split('\n', 1)[0]!]
    }),
  }
}

function readReport(file: string, printed: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`the tests left no report; they printed:\n${printed}`, { cause })
  }
}
