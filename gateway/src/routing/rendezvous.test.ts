import { expect, test } from 'vitest'
import { byRendezvous } from './rendezvous.ts'

const keys = ['a#1', 'a#2', 'a#3', 'a#4'].map((id) => ({ id }))
const callers = Array.from({ length: 4_000 }, (_, at) => `account ${at}`)

test('the same caller always has the same order, whatever the order of the keys', () => {
  for (const caller of callers.slice(0, 20)) {
    expect(byRendezvous(caller, keys)).toEqual(byRendezvous(caller, keys.toReversed()))
  }
})

test('callers are spread evenly', () => {
  const shares = keys.map(
    (key) => callers.filter((caller) => byRendezvous(caller, keys)[0] === key).length,
  )
  expect(Math.min(...shares)).toBeGreaterThan(900)
  expect(Math.max(...shares)).toBeLessThan(1_100)
})

test('without one key only its callers move, evenly, and they come back', () => {
  const [gone, ...rest] = keys
  const moved = callers.filter((caller) => {
    const [before] = byRendezvous(caller, keys)
    const [after] = byRendezvous(caller, rest)
    expect(before === gone || before === after).toBe(true)
    return before === gone
  })
  const shares = rest.map(
    (key) => moved.filter((caller) => byRendezvous(caller, rest)[0] === key).length,
  )
  expect(Math.min(...shares)).toBeGreaterThan(250)
})
