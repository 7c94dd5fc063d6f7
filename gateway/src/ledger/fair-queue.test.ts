import { nanoUsd } from '@smartoken/prisma/money'
import { describe, expect, test } from 'vitest'
import { holdOf } from '../../../tests/support/holds.ts'
import { Call } from './entry.ts'
import { FairQueue } from './fair-queue.ts'
import { releaseOf } from './release.ts'

const settleOf = (accountId: string, requestId: string) =>
  new Call('settle', releaseOf({ accountId, requestId }))

/** A queue in which these calls wait, named `<account><number>`. */
function queueOf(...names: readonly string[]): FairQueue {
  const queue = new FairQueue()
  for (const name of names) queue.push(settleOf(name[0]!, name))
  return queue
}

const take = (queue: FairQueue, most: number) => queue.take(most).map(({ row }) => row.requestId)

const many = (account: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${account}${at}`)

describe('a batch', () => {
  test('takes one of each account in turn, in the order they came', () => {
    const queue = queueOf('a0', 'a1', 'a2', 'b0', 'c0', 'b1')
    expect(take(queue, 4)).toEqual(['a0', 'b0', 'c0', 'a1'])
    expect(take(queue, 4)).toEqual(['b1', 'a2'])
    expect(take(queue, 4)).toEqual([])
  })

  test('leaves nobody behind: who was not served comes first next time', () => {
    const queue = queueOf(...many('a', 3), ...many('b', 3), ...many('c', 3))
    expect(take(queue, 2)).toEqual(['a0', 'b0'])
    expect(take(queue, 2)).toEqual(['c0', 'a1'])
    expect(take(queue, 2)).toEqual(['b1', 'c1'])
  })

  test('has what was put back first, in its order', () => {
    const queue = queueOf('a0', 'a1', 'a2')
    const taken = queue.take(2)
    queue.putBack(taken)
    expect(take(queue, 3)).toEqual(['a0', 'a1', 'a2'])
  })
})

test('what nobody waits for is dropped, but for an opening that the database may have seen', () => {
  const queue = new FairQueue()
  const account = { accountId: 'a', apiKeyId: 'k' }
  const renewal = new Call('renew', { ...holdOf(account), total: nanoUsd(1n) })
  const [unsent, sent] = [new Call('open', holdOf(account)), new Call('open', holdOf(account))]
  renewal.sent = sent.sent = true
  for (const call of [renewal, unsent, sent]) {
    call.abandoned = true
    queue.push(call)
  }
  expect(queue.take(9)).toEqual([sent])
})

test('it knows how many wait of an account', () => {
  const queue = queueOf('a0', 'a1', 'b0')
  expect([queue.waitingOf('a'), queue.waitingOf('b'), queue.waitingOf('c')]).toEqual([2, 1, 0])
})
