import { beforeEach, expect, test } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

let now: number
let budget: RetryBudget

beforeEach(() => {
  now = 0
  budget = new RetryBudget({}, () => now)
})

/** How many retries so many requests get that all want one, a millisecond apart. */
function retriesOf(requests: number, modelId = 'model'): number {
  let retries = 0
  for (let at = 0; at < requests; at += 1) {
    now += 1
    budget.began(modelId)
    if (budget.spend(modelId)) retries += 1
  }
  return retries
}

test('few requests may all be tried again', () => {
  expect(retriesOf(10)).toBe(10)
  expect(retriesOf(1)).toBe(0)
})

test('of many, one in ten may', () => {
  expect(retriesOf(2_000)).toBe(200)
  expect(retriesOf(2_000)).toBe(200)
})

test('what is over a minute ago does not count', () => {
  retriesOf(10)
  now += 60_000
  expect(retriesOf(20)).toBe(10)
})

test('never more than one in ten over any minute, once there are a hundred', () => {
  let retries = 0
  for (let minute = 0; minute < 10; minute += 1) {
    now = minute * 60_000
    retries += retriesOf(1_000)
  }
  expect(retries).toBeLessThanOrEqual(1_000)
  expect(retries).toBeGreaterThan(900)
})

test('one model’s retries are not another’s', () => {
  retriesOf(100)
  expect(retriesOf(10, 'other')).toBe(10)
})
