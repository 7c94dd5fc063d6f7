import { deepStrictEqual } from 'node:assert/strict'
import { newId } from '@smartoken/prisma/ids'
import * as fc from 'fast-check'
import { stateOf, type Books } from './books.ts'
import * as calls from './calls.ts'
import type { ModelWallet } from './wallet.ts'

const [SECOND_MS, MINUTE_MS, DAY_MS] = [1_000, 60_000, 86_400_000]
const DIME = 100_000_000n

/** The account's model, and what the steps so far have made that later ones can refer to. */
export interface World {
  readonly model: ModelWallet
  readonly accountId: string
  readonly campaigns: readonly calls.Campaign[]
  readonly requests: string[]
  readonly made: calls.Call[]
}

type Go = (world: World, books: Books) => Promise<void>

/** One step of a sequence: changes the model as the design says, then the database, and compares all of both. */
const step = (name: string, args: unknown, go: Go): fc.AsyncCommand<World, Books> => ({
  check: () => true,
  async run(world, books) {
    await go(world, books)
    world.model.now += 1
    deepStrictEqual(await books.state(world.model.now), stateOf(world.model))
  },
  toString: () => `${name}(${fc.stringify(args)})`,
})

/** A step that calls the ledger; undefined where there is nothing yet to call it about. */
const calling = <Args>(
  name: string,
  args: fc.Arbitrary<Args>,
  callOf: (args: Args, world: World, books: Books) => calls.Call | undefined,
) =>
  args.map((drawn) =>
    step(name, drawn, async (world, books) => {
      const call = callOf(drawn, world, books)
      if (!call) return
      world.made.push(call)
      const expected = call.expected(world.model)
      deepStrictEqual(await call.actual(books), expected)
    }),
  )

/** Dimes, often a nano-dollar more or less, so that sums meet limits exactly and by one. */
const dimes = (most: number) =>
  fc
    .tuple(fc.integer({ min: 1, max: most }), fc.constantFrom(0n, 0n, 1n, -1n))
    .map(([count, off]) => BigInt(count) * DIME + off)
const due = fc.oneof(dimes(9), dimes(9), fc.constant(0n))
const index = fc.nat(999)
const several = <Item>(item: fc.Arbitrary<Item>) => fc.array(item, { minLength: 1, maxLength: 3 })

const pick = <Item>(from: readonly Item[], at: number): Item | undefined => from[at % from.length]

/** One of the last few, or at times one that never was. */
const pickRequest = ({ requests }: World, at: number): string =>
  (at % 29 === 0 ? undefined : pick(requests.slice(-6), at)) ?? 'req_none'

const topUp = calling('topUp', fc.record({ ref: fc.nat(4), amount: dimes(20) }), (of, world) =>
  calls.topUp(`order ${of.ref} of ${world.accountId}`, world.accountId, of.amount),
)

const promo = calling(
  'promo',
  fc.record({ ref: fc.nat(4), amount: dimes(9), days: fc.integer({ min: 0, max: 2 }) }),
  ({ ref, amount, days }, { accountId, model }) => {
    // At midnights: several lots expire at one instant.
    const expiresAt = (Math.ceil(model.now / DAY_MS) + days) * DAY_MS
    return calls.promo(`gift ${ref}:${accountId}`, accountId, amount, expiresAt)
  },
)

const grant = calling('grant', index, (at, { campaigns, accountId }) =>
  calls.grant(pick(campaigns, at)!, accountId),
)

const hold = calling(
  'hold',
  several(fc.record({ amount: dimes(6), least: dimes(6) })),
  (asked, { requests, model }, { epoch }) => {
    const named = asked.map(({ amount, least }) => ({
      id: newId('request'),
      amount,
      least: least < amount ? least : amount,
    }))
    requests.push(...named.map(({ id }) => id))
    return calls.hold(named, { epoch, process: model.process })
  },
)

const renew = calling(
  'renew',
  fc.record({ at: index, total: dimes(9), due, excusable: fc.boolean() }),
  ({ at, total, ...progress }, world) => calls.renew(pickRequest(world, at), total, progress),
)

const settle = calling(
  'settle',
  several(fc.record({ at: index, due, excusable: fc.boolean() })),
  (endings, world) => {
    const named = endings.map(({ at, ...ending }) => ({ id: pickRequest(world, at), ...ending }))
    return calls.settle([...new Map(named.map((ending) => [ending.id, ending])).values()])
  },
)

const refund = calling(
  'refund',
  fc.record({
    at: index,
    pieces: several(
      fc.record({
        name: fc.constantFrom('a', 'b', 'c', 'd'),
        amount: fc.oneof(dimes(4), dimes(1)),
      }),
    ),
  }),
  ({ at, pieces }, world) => calls.giveBack(pickRequest(world, at), pieces),
)

const expire = calling('expire', fc.constant('now'), () => calls.expiry)

const withdraw = calling(
  'withdraw',
  fc.record({ ref: fc.nat(4), lot: index, amount: dimes(6) }),
  ({ ref, lot, amount }, { accountId, model }) =>
    calls.payOut(
      `withdrawal ${ref} of ${accountId}`,
      pick([...model.lots.keys(), 'none'], lot)!,
      amount,
    ),
)

const replay = calling('replay', index, (at, { made }) => pick(made, at))

/** The gateway's process dies, and another takes its place, mostly at once. */
const die = fc
  .record({ silently: fc.boolean(), restarts: fc.constantFrom(true, true, false) })
  .map((how) =>
    step('die', how, async ({ model }, books) => {
      if (model.process) {
        model.die()
        await books.die(how.silently)
      }
      if (!how.restarts) return
      model.restart()
      await books.restart()
    }),
  )

const stop = fc
  .record({ what: fc.constantFrom('account', 'key'), stopped: fc.constantFrom(true, false, false) })
  .map(({ what, stopped }) =>
    step('stop', { what, stopped }, async ({ model }, books) => {
      if (what === 'key') model.revoked = stopped
      else model.frozen = stopped
      await books.stop(what, stopped)
    }),
  )

/** Ten minutes are how long a process may settle late, less what the steps themselves take. */
const clock = fc
  .constantFrom(SECOND_MS, ...[1, 2, 3, 4].map((ms) => 10 * MINUTE_MS - ms), DAY_MS - 1, DAY_MS)
  .map((ms) =>
    step('clock', ms, async ({ model }) => {
      model.now += ms
    }),
  )

/** Steps, and how often each is drawn beside the others. */
const weights: readonly (readonly [number, fc.Arbitrary<fc.AsyncCommand<World, Books>>])[] = [
  [1, topUp],
  [2, promo],
  [1, grant],
  [3, hold],
  [2, renew],
  [4, settle],
  [2, refund],
  [2, expire],
  [1, withdraw],
  [2, replay],
  [2, die],
  [1, stop],
  [2, clock],
]

/** What a sequence is made of. */
export const steps = weights.flatMap(([weight, of]) => Array.from({ length: weight }, () => of))

/** How a sequence begins, so that most have something to spend. */
export const openings = fc.tuple(topUp, fc.oneof(promo, grant))
