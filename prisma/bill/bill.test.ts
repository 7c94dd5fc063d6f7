import { describe, expect, test } from 'vitest'
import { nanoUsd, rate, usd } from '../money.ts'
import { bill, dueFor, outcomes, type Bill, type Ending, type Outcome } from './index.ts'

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
const reported = { ...nothing, input: 50, cachedInput: 40, output: 30, thinkingOutput: 20 }

/** A prompt of 1,000 bytes of which 2,000 bytes of answer came; a kB is 150 tokens. */
const ending = (outcome: Outcome, over: Partial<Ending> = {}): Ending => ({
  outcome,
  family: 'glm',
  reported: undefined,
  promptBytes: 1_000,
  answerBytes: 2_000,
  limit: 500,
  most: { prompt: 100, output: 50 },
  ...over,
})

const exact = { usage: reported, source: 'provider' }
const free = { usage: nothing, source: 'none' }
const counted = (answer: number, prompt = 150) => ({
  usage: { ...nothing, input: prompt, output: answer },
  source: 'counted',
  countedVersion: 1,
})
const missing = { ...counted(300), flag: 'usage_missing' }
const implausible = { ...counted(300), flag: 'usage_implausible' }

/** For each outcome: a plausible report, none, one that can't be, one that can't be read, and no output. */
const expected: Record<Outcome, [object, object, object, object, object]> = {
  completed: [exact, missing, implausible, implausible, { ...missing, ...counted(0) }],
  content_filter: [exact, missing, implausible, implausible, { ...missing, ...counted(0) }],
  client_left_after_finish: [
    exact,
    missing,
    implausible,
    implausible,
    { ...missing, ...counted(0) },
  ],
  client_left_drained: [exact, missing, implausible, implausible, { ...missing, ...counted(0) }],
  client_left: [exact, counted(300), counted(300), counted(300), counted(0)],
  client_left_before_output: [counted(0), counted(0), counted(0), counted(0), counted(0)],
  upstream_error: [free, free, free, free, free],
  upstream_broke: [counted(300), counted(300), counted(300), counted(300), counted(0)],
  money_limit: [exact, counted(300), counted(300), counted(300), counted(0)],
  shutdown: [exact, counted(300), counted(300), counted(300), free],
  gateway_lost: [exact, counted(300), counted(300), counted(300), free],
}

const marks = (outcome: Outcome) => ({
  excusable: outcome === 'upstream_broke',
  cappedAtHold: outcome === 'money_limit',
})

describe.each(Object.keys(outcomes) as Outcome[])('%s', (outcome) => {
  const over: Partial<Ending>[] = [
    { reported },
    {},
    { reported: { ...reported, output: 31 } },
    { reported: 'unreadable' },
    { answerBytes: 0 },
  ]
  test.each([
    ['a plausible report', 0],
    ['no report', 1],
    ['more output than the limit', 2],
    ['a report that makes no sense', 3],
    ['nothing delivered', 4],
  ])('with %s is billed as the table says', (_with, at) => {
    expect(bill(ending(outcome, over[at]))).toEqual({ ...expected[outcome][at], ...marks(outcome) })
  })
})

test('a report of nothing is a report', () => {
  expect(bill(ending('completed', { reported: nothing }))).toMatchObject({
    usage: nothing,
    source: 'provider',
  })
})

test.each([
  ['one token of prompt over', { input: 61, cachedInput: 30, cacheWrite: 10 }],
  ['one token of answer over by two classes', { output: 25, thinkingOutput: 26 }],
  ['a negative class that another makes up for', { input: -1, cachedInput: 50 }],
  ['half a token', { output: 0.5 }],
  ['not a number', { output: Number.NaN }],
  ['more than a number counts', { input: 2 ** 53 }],
  ['1e308', { output: 1e308 }],
])('a report of %s is replaced by a count', (_name, over) => {
  expect(bill(ending('completed', { reported: { ...nothing, ...over } }))).toMatchObject(
    implausible,
  )
})

test('a report at both bounds is taken', () => {
  const most = { ...nothing, input: 60, cachedInput: 30, cacheWrite: 10, output: 50 }
  expect(bill(ending('completed', { reported: most })).usage).toEqual(most)
})

test('no more output is counted than the limit sent', () => {
  expect(bill(ending('client_left', { limit: 299 })).usage.output).toBe(299)
})

test.each([[-1], [0.5], [Number.NaN], [2 ** 53], [1e308]])('%s is no count of bytes', (bytes) => {
  expect(() => bill(ending('client_left', { answerBytes: bytes }))).toThrow(RangeError)
  expect(() => bill(ending('client_left', { promptBytes: bytes }))).toThrow(RangeError)
})

describe('what is due', () => {
  const flat = rate('1')
  const rates = {
    input: flat,
    cachedInput: flat,
    cacheWrite: flat,
    output: flat,
    thinkingOutput: flat,
  }
  const price = { tiers: [{ upTo: undefined, rates }] }
  const due = (outcome: Outcome, held: bigint) => {
    const billed: Bill = bill(ending(outcome))
    return dueFor(billed, price, nanoUsd(held))
  }

  test('is the price of the usage, whatever was held', () => {
    expect(due('client_left', 1n)).toBe(usd('0.00045'))
  })

  test('is at most what was held where the money had run out', () => {
    expect(due('money_limit', 449_999n)).toBe(449_999n)
    expect(due('money_limit', 450_001n)).toBe(450_000n)
  })
})
