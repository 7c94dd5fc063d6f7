import { outcomes } from '@smartoken/prisma/bill'
import { formatUsd, nanoUsd } from '@smartoken/prisma/money'
import type { Books } from './books.ts'
import { deliveredPrice, dueOf, exactPrice, trueUsage, type Case } from './truth.ts'

/** One thing that has to hold, and where it does not. */
export interface Finding {
  readonly check: string
  /** How many it was looked at for. */
  readonly looked: number
  readonly violations: readonly string[]
}

type Complaint = string | undefined | false

/** Everything that has to hold of every single request. */
const requestChecks: Readonly<
  Record<string, { of: (one: Case) => boolean; bad: (one: Case) => Complaint }>
> = {
  'an end seen with a receipt is charged exactly that': {
    of: ({ seen }) => seen.cost !== undefined,
    bad: ({ seen, row }) => seen.cost !== dollars(row?.charge) && `was told ${seen.cost}`,
  },
  'nothing is charged beyond the price of its true usage': {
    of: ({ row }) => row !== undefined,
    bad: (one) => one.row!.charge > exactPrice(one) && `is worth ${dollars(exactPrice(one))}`,
  },
  'nothing due is below what was last reported of it': {
    of: ({ row }) => row !== undefined && row.progress !== null,
    bad: ({ row }) => dueOf(row!) < row!.progress! && `had reported ${dollars(row!.progress!)}`,
  },
  'where usage arrived, exactly that is due': {
    of: ({ row }) => row?.usageSource === 'provider',
    bad: (one) => {
      const { row, served } = one
      const exact = exactPrice(one)
      const due = row!.outcome === 'money_limit' && exact > row!.held ? row!.held : exact
      if (served?.reported !== 'truth') return 'believed what was not true'
      return dueOf(row!) !== due && `is worth ${dollars(due)}`
    },
  },
  'only a wallet that is used up gives less than is due': {
    of: ({ row }) => row !== undefined && row.shortfall > 0n,
    bad: ({ poor }) => !poor && 'had money',
  },
  // One that ended while the database was away has no receipt, and may be lost with its process.
  'a whole answer with a receipt and true usage is billed by it': {
    of: ({ seen, served }) =>
      seen.cost !== undefined && served?.reported === 'truth' && seen.finishReason !== 'length',
    bad: ({ row }) => row?.usageSource !== 'provider' && 'is not',
  },
  'nothing is served without a hold': {
    of: ({ served }) => served !== undefined,
    bad: ({ admitted }) => admitted === undefined && 'was never admitted',
  },
  'what was admitted is settled, once': {
    of: ({ admitted, seen }) => admitted !== undefined || seen.status === 200,
    bad: ({ row, admitted }) => (!row || row.id !== admitted) && 'is not in the books',
  },
  'what was refused costs nothing': {
    of: ({ seen }) => seen.status !== undefined && seen.status !== 200,
    bad: ({ row }) => row !== undefined && row.charge > 0n && 'was charged',
  },
  'a provisional charge is of a process that was lost, and any outcome one of the table': {
    of: ({ row }) => row !== undefined,
    bad: ({ row }) =>
      (!(row!.outcome in outcomes) || row!.provisional !== (row!.outcome === 'gateway_lost')) &&
      'is not',
  },
}

/** Judges a run. */
export function judge(cases: readonly Case[], books: Books): Finding[] {
  const findings = Object.entries(requestChecks).map(([check, { of, bad }]) => {
    const looked = cases.filter(of)
    const violations = looked.flatMap((one) => {
      const complaint = bad(one)
      return complaint ? [`${nameOf(one)} ${complaint}`] : []
    })
    return { check, looked: looked.length, violations }
  })
  return [
    ...findings,
    finding(
      'reconcile finds no break',
      books.breaks,
      ({ check, subject, expected, found }) => `${check}: ${subject} ${expected} ${found}`,
    ),
    finding('no hold is left', books.orphanHolds, (id) => id),
    finding('money in = charges + what is left', books.unbalanced, (id) => id),
    finding('no request is in the books that no client sent', strangers(cases, books), (id) => id),
    finding('at most $1 or 3 % of an account’s day is excused', tooExcused(cases), (id) => id),
  ]
}

const finding = <T>(check: string, found: readonly T[], say: (one: T) => string): Finding => ({
  check,
  looked: 1,
  violations: found.map(say),
})

const strangers = (cases: readonly Case[], { rows }: Books): string[] => {
  const known = new Set(cases.map(({ row }) => row?.id))
  return rows.filter(({ id }) => !known.has(id)).map(({ id }) => id)
}

/** The run's spending stands for the day's: one that goes past midnight is allowed a day's excuses more. */
function tooExcused(cases: readonly Case[]): string[] {
  const rows = cases.flatMap(({ row }) => row ?? [])
  const byAccount = Object.entries(Object.groupBy(rows, ({ accountId }) => accountId))
  return byAccount.flatMap(([accountId, of]) => {
    const excused = of!.reduce((sum, row) => sum + row.excused, 0n)
    const spent = of!.reduce((sum, row) => sum + row.charge, 0n)
    const most = (spent * 3n) / 100n
    return excused > (most > 1_000_000_000n ? most : 1_000_000_000n)
      ? [`${accountId} ${dollars(excused)}`]
      : []
  })
}

const dollars = (amount: bigint | undefined): string =>
  amount === undefined ? 'nothing' : formatUsd(nanoUsd(amount))

/** A request with all there is to know of it. */
export function nameOf(one: Case): string {
  const { plan, seen, served, row } = one
  const used = row ? trueUsage(one) : undefined
  return [
    row?.id ?? seen.requestId ?? one.admitted ?? `plan ${plan.id}`,
    `(${plan.model}${plan.stream ? ' stream' : ''}, ${plan.course}, ${plan.manner};`,
    `client: ${seen.status} ${seen.end} ${seen.errorCode ?? seen.finishReason ?? ''} ${seen.textBytes} B;`,
    `upstream: ${served ? `${served.tokens}/${served.limit} tokens, ${served.reported}` : 'not called'};`,
    row
      ? `books: ${row.outcome} ${row.usageSource}${row.provisional ? ' provisional' : ''} charge ${dollars(row.charge)} shortfall ${dollars(row.shortfall)} excused ${dollars(row.excused)} held ${dollars(row.held)}, ${row.inputTokens}+${row.cachedInputTokens}+${row.outputTokens} of ${used!.input}+${used!.cachedInput}+${used!.output} tokens, delivered ${dollars(deliveredPrice(one))})`
      : 'books: nothing)',
  ].join(' ')
}
