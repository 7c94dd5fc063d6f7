import { beforeEach, describe, expect, test } from 'vitest'
import { Circuit, HEALTH, type Trial } from './circuit.ts'

let now: number
let circuit: Circuit

beforeEach(() => {
  now = 1_000_000
  circuit = new Circuit(HEALTH, () => now)
})

/** Attempts one after another, each told so. */
function attempts(count: number, tell: (trial: Trial, at: number) => unknown): void {
  for (let at = 0; at < count; at += 1) tell(circuit.enter()!, at)
}
const fail = (trial: Trial) => trial.failed()
const answer = (trial: Trial) => trial.answered()
const failEvery = (nth: number) => (trial: Trial, at: number) =>
  at % nth === nth - 1 ? trial.failed() : trial.answered()

/** When it may be tried again, ms from now; moves the clock there. */
function rest(): number {
  const since = now
  while (circuit.standing !== 'due' && circuit.standing !== 'well') now += 100
  return now - since
}

describe('a place', () => {
  test('is well until it has failed five times', () => {
    attempts(4, fail)
    expect(circuit.standing).toBe('well')
    attempts(1, fail)
    expect(circuit.standing).toBe('out')
    expect(circuit.enter()).toBeUndefined()
  })

  test('that fails every third time is well', () => {
    attempts(300, failEvery(3))
    expect(circuit.standing).toBe('well')
  })

  test('that fails every second time is only a last resort', () => {
    attempts(10, failEvery(2))
    expect(circuit.standing).toBe('failing')
    expect(circuit.enter()).toBeDefined()
  })

  test('that fails every second time, and then always, is out', () => {
    attempts(10, failEvery(2))
    while (circuit.standing === 'failing') attempts(1, fail)
    expect(circuit.standing).toBe('out')
  })

  test('is judged by what it did within half a minute', () => {
    attempts(4, fail)
    now += HEALTH.windowMs
    attempts(4, fail)
    expect(circuit.standing).toBe('well')
    now += HEALTH.windowMs - 3_000
    attempts(1, fail)
    expect(circuit.standing).toBe('out')
  })

  test('whose answers break off counts them as failures, too', () => {
    attempts(5, (trial) => {
      trial.answered()
      trial.failed()
    })
    expect(circuit.standing).toBe('failing')
  })
})

describe('a place that is out', () => {
  beforeEach(() => attempts(5, fail))

  test('is probed by one request at a time, after five seconds', () => {
    expect(rest()).toBe(5_000)
    expect(circuit.standing).toBe('due')
    const probe = circuit.enter()!
    expect([circuit.standing, circuit.enter()]).toEqual(['out', undefined])
    probe.answered()
    expect(circuit.standing).toBe('well')
  })

  test('has forgotten its failures when a probe was answered', () => {
    rest()
    attempts(1, answer)
    attempts(4, fail)
    expect(circuit.standing).toBe('well')
  })

  test('rests longer after each failed probe, but never for a minute', () => {
    const rests = Array.from({ length: 6 }, () => {
      const ms = rest()
      attempts(1, fail)
      return ms
    })
    expect(rests).toEqual([5_000, 10_000, 20_000, 40_000, 40_000, 40_000])
    rest()
    attempts(1, answer)
    attempts(5, fail)
    expect(rest()).toBe(5_000)
  })

  test('is probed anew ten seconds after a probe that is not heard of', () => {
    rest()
    circuit.enter()
    expect(rest()).toBe(HEALTH.probeMs)
  })

  test('is probed at once after a probe that never went out', () => {
    rest()
    circuit.enter()!.dropped()
    expect(circuit.standing).toBe('due')
  })

  test('stays so whatever requests say that began before', () => {
    rest()
    const probe = circuit.enter()!
    probe.answered()
    const early = [circuit.enter()!, circuit.enter()!]
    attempts(5, fail)
    early[0]!.answered()
    expect(circuit.standing).not.toBe('well')
    early[1]!.failed()
    expect(circuit.outForMs).toBe(5_000)
  })
})

describe('a place that limits us', () => {
  test('rests for as long as it says, and is then well', () => {
    attempts(1, (trial) => trial.limited(7_000))
    expect([circuit.standing, circuit.reason, circuit.outForMs]).toEqual(['out', 'limited', 7_000])
    expect(rest()).toBe(7_000)
    expect(circuit.standing).toBe('well')
  })

  test('is not believed to mean a day', () => {
    attempts(1, (trial) => trial.limited(86_400_000))
    expect(rest()).toBe(HEALTH.mostBenchMs)
  })

  test('without a word rests a second, then twice as long each time, until it answers', () => {
    const rests = Array.from({ length: 7 }, () => {
      attempts(1, (trial) => trial.limited())
      return rest()
    })
    expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000])
    attempts(1, answer)
    attempts(1, (trial) => trial.limited())
    expect(rest()).toBe(1_000)
  })

  test('limits requests that went out together once', () => {
    const together = Array.from({ length: 9 }, () => circuit.enter()!)
    for (const trial of together) trial.limited()
    expect(rest()).toBe(1_000)
    attempts(1, (trial) => trial.limited())
    expect(rest()).toBe(2_000)
  })

  test('by a probe is probed again', () => {
    attempts(5, fail)
    rest()
    attempts(1, (trial) => trial.limited(2_000))
    expect(circuit.reason).toBe('unwell')
    expect(rest()).toBe(2_000)
    expect(circuit.standing).toBe('due')
  })
})

describe('a place that refuses our key', () => {
  test('rests for 45 s, as long again if it still does, and no longer for those that were under way', () => {
    const late = circuit.enter()!
    attempts(1, (trial) => trial.refused())
    now += 1_000
    late.refused()
    expect(rest()).toBe(HEALTH.oursMs - 1_000)
    attempts(1, (trial) => trial.refused())
    expect(rest()).toBe(HEALTH.oursMs)
  })

  test('is back when a probe was answered', () => {
    attempts(1, (trial) => trial.refused())
    rest()
    attempts(1, answer)
    expect(circuit.standing).toBe('well')
  })

  test('is so whatever else fails meanwhile', () => {
    const early = Array.from({ length: 9 }, () => circuit.enter()!)
    attempts(1, (trial) => trial.refused())
    for (const trial of early) trial.failed()
    expect(rest()).toBe(HEALTH.oursMs)
  })
})
