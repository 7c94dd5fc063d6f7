import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LoadShed } from './load-shed.ts'
import { Slots } from './slots.ts'

const calm = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Takes a slot and tells how that stands. */
function ask(slots: Slots, accountId: string, signal = calm) {
  const asked = {
    accountId,
    release: undefined as (() => void) | undefined,
    refused: undefined as unknown,
  }
  const settled = slots.take(accountId, signal).then(
    (release) => void (asked.release = release),
    (error: unknown) => void (asked.refused = error),
  )
  return Object.assign(asked, { settled })
}

const askMany = (slots: Slots, accountId: string, count: number) =>
  Array.from({ length: count }, () => ask(slots, accountId))

type Asked = ReturnType<typeof ask>
const held = (asked: readonly Asked[]) => asked.filter(({ release }) => release)
const refused = (asked: readonly Asked[]) => asked.filter((one) => one.refused)

/** Lets promises settle, and so many ms pass. */
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

/** An upstream that has lately taken so many ms for a request. */
async function measured(most: number, ms: number): Promise<Slots> {
  const slots = new Slots({ most })
  const asked = ask(slots, 'earlier')
  await pass(ms)
  asked.release!()
  return slots
}

describe('slots', () => {
  test('are given while there are any, and then to who waits', async () => {
    const slots = await measured(2, 100)
    const [one, two, three] = [ask(slots, 'a'), ask(slots, 'b'), ask(slots, 'c')]
    await pass()
    expect([one, two, three].map(({ release }) => release !== undefined)).toEqual([
      true,
      true,
      false,
    ])
    expect([slots.inUse, slots.waiting]).toEqual([2, 1])
    one.release!()
    await pass()
    expect(three.release).toBeDefined()
    expect([slots.inUse, slots.waiting]).toEqual([2, 0])
  })

  test('are given back once', async () => {
    const slots = new Slots({ most: 4 })
    const [one] = askMany(slots, 'a', 2)
    await pass()
    one!.release!()
    one!.release!()
    expect(slots.inUse).toBe(1)
  })

  test('go to whoever has fewest', async () => {
    const slots = await measured(8, 100)
    const many = [...askMany(slots, 'a', 4), ...askMany(slots, 'b', 4)]
    const late = [...askMany(slots, 'a', 3), ...askMany(slots, 'c', 3)]
    await pass()
    expect(held(late)).toEqual([])
    for (const one of many.slice(0, 3)) one.release!()
    await pass()
    // a has 1 left, b 4, c none: the first goes to c, then each of the two has 1, and then 2.
    expect(held(late).map(({ accountId }) => accountId)).toEqual(['a', 'c', 'c'])
  })

  test('are shared evenly by accounts that all want more, however much more one wants', async () => {
    const slots = await measured(12, 1)
    const asked = [
      ...askMany(slots, 'flood', 400),
      ...askMany(slots, 'b', 40),
      ...askMany(slots, 'c', 40),
    ]
    const counts = () =>
      ['flood', 'b', 'c'].map(
        (name) => held(asked).filter(({ accountId }) => accountId === name).length,
      )
    await pass()
    for (let turn = 0; turn < 20; turn += 1) {
      const [next] = held(asked).filter(({ accountId }) => accountId === 'flood')
      next!.release!()
      asked.splice(asked.indexOf(next!), 1)
      await pass()
    }
    expect(counts()).toEqual([4, 4, 4])
  })

  test('are never all one account’s: somebody who comes later finds one', async () => {
    const slots = await measured(16, 100)
    const flood = askMany(slots, 'flood', 100)
    const other = ask(slots, 'other')
    await pass()
    expect(held(flood)).toHaveLength(14)
    expect(other.release).toBeDefined()
  })
})

describe('who waits', () => {
  test('is refused after the queue’s time', async () => {
    const slots = await measured(1, 100)
    void ask(slots, 'a')
    const waiting = ask(slots, 'b')
    await pass(1_999)
    expect(waiting.refused).toBeUndefined()
    await pass(1)
    expect(waiting.refused).toBeInstanceOf(LoadShed)
    expect(slots.waiting).toBe(0)
  })

  test('may stop waiting', async () => {
    const slots = await measured(1, 100)
    const first = ask(slots, 'a')
    const leaving = new AbortController()
    const [left, stays] = [ask(slots, 'b', leaving.signal), ask(slots, 'c')]
    await pass()
    leaving.abort(new Error('left'))
    first.release!()
    await pass()
    expect(left.refused).toEqual(new Error('left'))
    expect(stays.release).toBeDefined()
    await ask(slots, 'd', leaving.signal).settled
    expect(slots.inUse).toBe(1)
  })

  test('leaves nothing behind', async () => {
    const slots = await measured(4, 100)
    const asked = ['a', 'b', 'c'].flatMap((name) => askMany(slots, name, 20))
    await pass()
    while (held(asked).length > 0) {
      for (const one of held(asked)) asked.splice(asked.indexOf(one), 1)[0]!.release!()
      await pass()
    }
    expect(vi.getTimerCount()).toBe(0)
    expect([slots.inUse, slots.waiting, slots.accounts]).toEqual([0, 0, 0])
  })
})

describe('what would have to wait too long', () => {
  test('is refused at once, and before it asks', async () => {
    const slots = await measured(10, 500)
    const asked = askMany(slots, 'a', 100)
    await pass()
    const turned = refused(asked)
    // Ten slots of 500 ms each serve 16 in the 800 ms a wait may be predicted to take: the rest is known to be late.
    expect(turned.length).toBeGreaterThanOrEqual(74)
    expect(turned.length).toBeLessThan(85)
    expect(turned[0]!.refused).toBeInstanceOf(LoadShed)
    expect(slots.shed('a')).toBeGreaterThanOrEqual(1_000)
  })

  test('is little where requests are long, and much where they are short', async () => {
    const waiting = async (ms: number) => {
      const slots = await measured(10, ms)
      askMany(slots, 'a', 1_000)
      await pass()
      return slots.waiting
    }
    expect(await waiting(60_000)).toBe(0)
    expect(await waiting(20)).toBeGreaterThan(300)
  })

  test('is more when the upstream stops answering', async () => {
    const slots = await measured(10, 20)
    askMany(slots, 'a', 10)
    expect(slots.shed('a')).toBeUndefined()
    await pass(60_000)
    expect(slots.shed('a')).toBeGreaterThan(1_000)
  })

  test('is the flooder’s own: others wait behind nobody', async () => {
    const slots = await measured(10, 500)
    askMany(slots, 'flood', 100)
    await pass()
    expect(slots.shed('flood')).toBeDefined()
    expect(slots.shed('other')).toBeUndefined()
  })

  test('is known from the start: whoever is let in has a slot in time, though others go first', async () => {
    const slots = await measured(10, 400)
    const asked: Asked[] = []
    const serve = async (one: Asked) => {
      await one.settled
      setTimeout(() => one.release?.(), 400)
    }
    const arrive = (accountId: string, count: number) => {
      for (const one of askMany(slots, accountId, count)) {
        asked.push(one)
        void serve(one)
      }
    }
    for (let ms = 0; ms < 10_000; ms += 50) {
      arrive('flood', 10)
      if (ms % 2_500 === 0) for (let at = 0; at < 40; at += 1) arrive(`other${ms}-${at}`, 1)
      await pass()
      const before = refused(asked).length
      await pass(50)
      expect(refused(asked)).toHaveLength(before)
    }
    const servedOfOthers = held(asked).filter(({ accountId }) => accountId !== 'flood').length
    expect(servedOfOthers).toBeGreaterThan(80)
    // 25 a second is all ten slots can do.
    expect(held(asked).length).toBeGreaterThan(240)
  })
})

describe('an upstream’s refusal', () => {
  test('leaves fewer slots, and they come back little by little', async () => {
    const slots = new Slots({ most: 100 })
    const asked = askMany(slots, 'a', 80)
    await pass()
    slots.shrink()
    slots.shrink() // they were all sent before the first refusal was heard
    for (const one of asked.splice(0)) one.release!()
    const fits = async () => {
      const leave = new AbortController()
      const taken = Array.from({ length: 120 }, (_, at) => ask(slots, `a${at % 2}`, leave.signal))
      await pass()
      const count = held(taken).length
      leave.abort()
      for (const { release } of taken) release?.()
      await pass()
      return count
    }
    expect(await fits()).toBe(60)
    await pass(12_000)
    expect(await fits()).toBe(80)
    await pass(60_000)
    expect(await fits()).toBe(100)
  })

  test('always leaves one', async () => {
    const slots = new Slots({ most: 2 })
    for (let at = 0; at < 10; at += 1) {
      slots.shrink()
      await pass(1_500)
    }
    const asked = ask(slots, 'a')
    await pass()
    expect(asked.release).toBeDefined()
  })
})
