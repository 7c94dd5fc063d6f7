import type { Catalog, Rates, Tier } from '@smartoken/prisma/catalog'
import { windowHours } from '@smartoken/prisma/catalog/window-hours'
import { formatRate, type Rate } from '@smartoken/prisma/money'
import { formatCount } from './words.ts'

/** A token class, as the catalog names it. */
export type TokenClass = keyof Rates

/** A price or cost row, as far as a table needs it. */
export interface TieredRow {
  readonly window: string | undefined
  readonly tiers: readonly Tier[]
}

/** A column holds one class, or several that cost the same in every row. */
export interface Column {
  readonly label: string
  readonly classes: readonly TokenClass[]
}

export interface Cell {
  readonly classes: readonly TokenClass[]
  /** Per million tokens, a decimal. */
  readonly rate: string
}

export interface TierLine {
  readonly label: string
  /** The longest prompt, in tokens, this line is for; `open` on the last. */
  readonly tier: string
  readonly cells: readonly Cell[]
}

export interface WindowGroup {
  /** The window's id; `none` for the hours no window takes. */
  readonly window: string
  /** Absent where the price does not depend on the hour. */
  readonly label: string | undefined
  readonly hours: string | undefined
  readonly lines: readonly TierLine[]
}

export interface PriceTable {
  readonly columns: readonly Column[]
  readonly groups: readonly WindowGroup[]
}

/** How people call the classes, in the order of a table. */
export const classLabels: Readonly<Record<TokenClass, string>> = {
  input: 'Input',
  cachedInput: 'Cached input',
  cacheWrite: 'Cache write',
  output: 'Output',
  thinkingOutput: 'Output with thinking on',
}

/** The class whose rate a class takes where none is set for it; it then needs no column of its own. */
export const variants: ReadonlyMap<TokenClass, TokenClass> = new Map([
  ['cacheWrite', 'input'],
  ['thinkingOutput', 'output'],
])

/** All conditions of rows that hold side by side: one group a window, one line a tier, one cell a class. */
export function priceTable(
  { windows }: Pick<Catalog, 'windows'>,
  rows: readonly TieredRow[],
  at: Date,
): PriceTable {
  const columns = columnsOf(rows)
  const timed = rows.some((row) => row.window !== undefined)
  // The base row first: it is what most requests pay.
  const ordered = [
    ...rows.filter((row) => row.window === undefined),
    ...rows.filter((row) => row.window !== undefined),
  ]
  const groups = ordered.map((row) => {
    const window = row.window === undefined ? undefined : windows.get(row.window)
    return {
      window: row.window ?? 'none',
      label: window?.name ?? (timed ? 'All other hours' : undefined),
      hours: window && windowHours(window, at),
      lines: linesOf(row, columns, timed),
    }
  })
  return { columns, groups }
}

function columnsOf(rows: readonly TieredRow[]): readonly Column[] {
  const all = rows.flatMap(({ tiers }) => tiers.map(({ rates }) => rates))
  const classes = Object.keys(classLabels) as TokenClass[]
  const merged = (name: TokenClass): boolean => {
    const base = variants.get(name)
    return base !== undefined && all.every((rates) => rates[name] === rates[base])
  }
  return classes
    .filter((name) => !merged(name))
    .map((name) => ({
      label: classLabels[name],
      classes: [name, ...classes.filter((other) => variants.get(other) === name && merged(other))],
    }))
}

function linesOf({ tiers }: TieredRow, columns: readonly Column[], timed: boolean): TierLine[] {
  return tiers.map(({ upTo, rates }, index) => ({
    label: tierLabel(tiers[index - 1]?.upTo, upTo, timed),
    tier: upTo === undefined ? 'open' : String(upTo),
    cells: columns.map(({ classes }) => ({ classes, rate: formatRate(rateOf(rates, classes)) })),
  }))
}

function rateOf(rates: Rates, [first]: readonly TokenClass[]): Rate {
  return rates[first ?? 'input']
}

function tierLabel(above: number | undefined, upTo: number | undefined, timed: boolean): string {
  if (upTo === undefined) {
    if (above === undefined) return timed ? 'Any length of prompt' : 'All requests'
    return `Prompts over ${formatCount(above)} tokens`
  }
  return above === undefined
    ? `Prompts up to ${formatCount(upTo)} tokens`
    : `Prompts of ${formatCount(above + 1)} to ${formatCount(upTo)} tokens`
}
