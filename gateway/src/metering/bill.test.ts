import { expect, test } from 'vitest'
import { bill, type Ending, type Outcome } from './bill.ts'

const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }
const reported = { ...nothing, input: 90, output: 40 }

const ending = (outcome: Outcome, over: Partial<Ending> = {}): Ending => ({
  outcome,
  reported: undefined,
  promptBytes: 1_000,
  answerBytes: 2_000,
  most: { prompt: 100, output: 50 },
  ...over,
})

const exact = { usage: reported, source: 'provider' }
const counted = { usage: { ...nothing, input: 150, output: 300 }, source: 'counted' }
const countedInput = { usage: { ...nothing, input: 150 }, source: 'counted' }
const free = { usage: nothing, source: 'none' }

test.each<[Outcome, string, Partial<Ending>, object]>([
  ['completed', 'plausible usage', { reported }, exact],
  ['completed', 'no usage', {}, counted],
  ['completed', 'more input than was sent', { reported: { ...reported, input: 101 } }, counted],
  ['completed', 'more output than the limit', { reported: { ...reported, output: 51 } }, counted],
  ['client_left', 'plausible usage', { reported }, exact],
  ['client_left', 'no usage', {}, counted],
  ['client_left_before_output', 'no usage', { answerBytes: 0 }, countedInput],
  ['client_left_before_output', 'bytes nobody saw', {}, countedInput],
  ['upstream_error', 'no usage', {}, free],
  ['upstream_broke', 'no usage', {}, free],
  ['upstream_broke', 'usage so far', { reported }, free],
])('%s with %s', (outcome, _usage, over, expected) => {
  expect(bill(ending(outcome, over))).toEqual(expected)
})
