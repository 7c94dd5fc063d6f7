import type { Books } from './books.ts'
import type { FaultCounts } from './faults.ts'
import type { Load } from './load.ts'
import { coverage, largestLosses, lossesOf, lossTable } from './losses.ts'
import type { Gateways } from './gateways.ts'
import type { ChaosOptions } from './options.ts'
import type { Case } from './truth.ts'
import { judge, nameOf, type Finding } from './verdict.ts'

const EVERY_MS = 5_000
const MOST_NAMED = 10
const MOST_LOSSES = 5
/** Of what was delivered, so much has to be charged, in hundredths of a percent: 99.5 %. */
const LEAST_COVERAGE = 9_950

/** Says every few seconds how far it is. */
export function printProgress(load: Load, faults: FaultCounts): { stop(): void } {
  const began = Date.now()
  const print = (): void => {
    const seconds = Math.round((Date.now() - began) / 1_000)
    const { kill, sleep, restart, outage } = faults
    console.log(
      `${String(seconds).padStart(5)} s  ${load.seen.length} requests, ${load.admitted} admitted;`,
      `${kill} kills, ${sleep} sleeps, ${restart} restarts, ${outage} outages`,
    )
  }
  const timer = setInterval(print, EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      print()
    },
  }
}

interface Run {
  readonly options: ChaosOptions
  readonly faults: FaultCounts
  readonly gateways: Pick<Gateways, 'crashes' | 'harmed'>
  readonly cases: readonly Case[]
  readonly books: Books
}

/** Prints what was found; true where everything holds. */
export function printVerdict({ options, faults, gateways, cases, books }: Run): boolean {
  const losses = lossesOf(cases)
  const givenUp = books.givenUp.filter((pid) => !gateways.harmed.has(pid))
  const covered = coverage(losses.get('all')!)
  const findings = [
    ...judge(cases, books),
    ofTheRun('no gateway ended by itself', gateways.crashes === 0, `${gateways.crashes} did`),
    ofTheRun(
      'no gateway was taken for dead that had neither been killed nor slept',
      givenUp.length === 0,
      `processes ${givenUp.join(', ')} were`,
    ),
    ofTheRun(
      'of what was delivered 99.5 % is charged, or excused by rule',
      covered >= LEAST_COVERAGE,
      `${(covered / 100).toFixed(2)} % is`,
    ),
  ]
  console.table(endsOf(cases))
  console.table(lossTable(losses))
  console.table(
    findings.map(({ check, looked, violations }) => ({ check, looked, broken: violations.length })),
  )
  for (const one of largestLosses(cases, MOST_LOSSES)) console.log(`lost: ${nameOf(one)}`)
  for (const { check, violations } of findings) {
    for (const violation of violations.slice(0, MOST_NAMED)) console.log(`${check}: ${violation}`)
  }
  const right = findings.every(({ violations }) => violations.length === 0)
  console.log(
    `${(covered / 100).toFixed(2)} % of what was delivered is charged or excused by rule.`,
  )
  console.log(
    right ? 'Everything holds.' : 'NOT everything holds.',
    JSON.stringify(faults),
    `seed ${options.seed}`,
  )
  return right
}

const ofTheRun = (check: string, holds: boolean, complaint: string): Finding => ({
  check,
  looked: 1,
  violations: holds ? [] : [complaint],
})

/** How requests ended for their clients, by status. */
function endsOf(cases: readonly Case[]): Record<string, Record<string, number>> {
  const ends: Record<string, Record<string, number>> = {}
  for (const { seen } of cases) {
    const name = `${seen.status ?? '-'} ${seen.errorCode ?? seen.finishReason ?? ''}`
    const of = (ends[name] ??= {})
    const end = seen.end === 'whole' && seen.cost === undefined ? 'whole, no receipt' : seen.end
    of[end] = (of[end] ?? 0) + 1
  }
  return ends
}
