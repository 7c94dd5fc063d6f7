import { formatRate, rate } from '../money.ts'
import type { Catalog, Rates, Tier } from './model.ts'
import type { Problem } from './problem.ts'
import type { Row } from './row.ts'
import { overlap } from './window.ts'

/** Dollars or yuan per million tokens. Nothing we list comes near: a rate past it has lost its decimal point. */
const DEAREST = rate('1000')

type Finding = Omit<Problem, 'file'>
type TieredRow = Row & { readonly tiers: readonly Tier[] }

/** Whether price or cost rows hang together. `list` is their field: `prices` or `routes[0].costs`. */
export function checkRows(
  catalog: Catalog,
  list: string,
  rows: readonly TieredRow[],
  { mayBeZero }: { mayBeZero: boolean },
): Finding[] {
  return rows.flatMap((row, at) => {
    const place = (reason: string, field = ''): Finding => ({
      field: `${list}[${at}]${field}`,
      reason,
    })
    return [
      ...checkOrder(rows, at).map((reason) => place(reason, '.from')),
      ...checkWindow(catalog, rows, row).map((reason) => place(reason, '.window')),
      ...checkTiers(row.tiers, mayBeZero).map(({ field, reason }) => place(reason, field)),
    ]
  })
}

function checkOrder(rows: readonly Row[], at: number): string[] {
  const row = rows[at]!
  const earlier = rows.slice(0, at)
  if (earlier.some((other) => other.from < row.from))
    return ['rows go from the newest to the oldest']
  return earlier.some((other) => sameFrom(other, row) && other.window === row.window)
    ? ['repeats a row of the same day and window']
    : []
}

function checkWindow(catalog: Catalog, rows: readonly Row[], row: Row): string[] {
  if (row.window === undefined) return []
  const window = catalog.windows.get(row.window)
  if (!window) return [`"${row.window}" is not in windows.yaml`]
  const beside = rows.filter((other) => other !== row && sameFrom(other, row))
  const problems: string[] = []
  if (beside.every((other) => other.window !== undefined)) {
    problems.push('needs a row without a window for the same day, for all other hours')
  }
  for (const other of beside) {
    const second = other.window === undefined ? undefined : catalog.windows.get(other.window)
    if (second && second !== window && overlap(window, second)) {
      problems.push(
        `"${row.window}" and "${second.id}" may share an hour, so neither price is the one`,
      )
    }
  }
  return problems
}

function checkTiers(tiers: readonly Tier[], mayBeZero: boolean): Finding[] {
  return tiers.flatMap(({ upTo, rates }, at) => {
    const findings: Finding[] = []
    const last = at === tiers.length - 1
    const before = tiers[at - 1]?.upTo ?? 0
    const field = `.tiers[${at}].up_to`
    if (last && upTo !== undefined) {
      findings.push({ field, reason: 'the last tier is for all longer prompts and has no end' })
    }
    if (!last && upTo === undefined) {
      findings.push({ field, reason: 'only the last tier may be without an end' })
    }
    if (upTo !== undefined && upTo <= before) {
      findings.push({ field, reason: `must be above the end of the tier before it, ${before}` })
    }
    return [...findings, ...checkRates(rates, mayBeZero, `.tiers[${at}]`)]
  })
}

/** A class that was left out has the rate of another, which then is named. */
function checkRates(rates: Rates, mayBeZero: boolean, tier: string): Finding[] {
  const named = [
    ['input', rates.input],
    ['output', rates.output],
    ...(rates.cachedInput === rates.input ? [] : [['cached_input', rates.cachedInput] as const]),
    ...(rates.cacheWrite === rates.input ? [] : [['cache_write', rates.cacheWrite] as const]),
    ...(rates.thinkingOutput === rates.output
      ? []
      : [['thinking_output', rates.thinkingOutput] as const]),
  ] as const
  return named.flatMap(([name, amount]) => {
    const field = `${tier}.${name}`
    if (amount === 0n && !mayBeZero) return [{ field, reason: 'must be above zero' }]
    if (amount <= DEAREST) return []
    const reason = `${formatRate(amount)} per million tokens is past any real price`
    return [{ field, reason }]
  })
}

function sameFrom(left: Row, right: Row): boolean {
  return left.from.getTime() === right.from.getTime()
}
