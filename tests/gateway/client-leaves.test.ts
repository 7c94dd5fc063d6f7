import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat, openSocket, sayingExactly as saying, wireOf } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { event, startUpstream, type TestUpstream, type UpstreamCall } from '../support/upstream.ts'

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url, billsOnCancel: 'stops' })
})
afterEach(async () => {
  expect(await gateway.breaks()).toEqual([])
  expect(gateway.services.pending.size).toBe(0)
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const chunk = (delta: object) => event({ choices: [{ index: 0, delta, finish_reason: null }] })

/** The one request of an account of its own. */
async function onlyRow(accountId: string): Promise<Record<string, unknown>> {
  await gateway.quiet()
  const { rows } = await gateway.database.query<Record<string, unknown>>(
    'select * from request where account_id = $1',
    [accountId],
  )
  expect(rows).toHaveLength(1)
  return rows[0]!
}

describe('a client that leaves', () => {
  test.each([
    ['plain', {}],
    ['streamed', { stream: true }],
  ])('before the upstream has answered its %s request pays for its prompt', async (_kind, over) => {
    const account = await gateway.newAccount()
    const called = Promise.withResolvers<UpstreamCall>()
    upstream.behave((_out, call) => called.resolve(call))
    const leave = new AbortController()
    const body = saying('x'.repeat(10_000), over)
    const asked = chat({ ...gateway, ...account }, body, {
      signal: leave.signal,
      headers: { 'x-api-key': account.secret },
    })
    const call = await called.promise
    leave.abort()
    await expect(asked).rejects.toThrow(/abort/)
    await call.closed
    expect(await onlyRow(account.accountId)).toMatchObject({
      outcome: 'client_left_before_output',
      status: 499,
      usage_source: 'counted',
      input_tokens: 1_802n, // 10,015 bytes with the words "role", "user", "content",
      output_tokens: 0n,
    })
  })

  test('in the middle of a plain answer pays for its prompt, and the upstream is cut off', async () => {
    const account = await gateway.newAccount()
    const called = Promise.withResolvers<UpstreamCall>()
    upstream.behave((out, call) => {
      out.writeHead(200, { 'content-type': 'application/json' }).write('{"choices":[')
      called.resolve(call)
    })
    const leave = new AbortController()
    const asked = chat({ ...gateway, ...account }, saying('hi'), {
      signal: leave.signal,
      headers: { 'x-api-key': account.secret },
    })
    const call = await called.promise
    leave.abort()
    await expect(asked).rejects.toThrow(/abort/)
    await call.closed
    expect(await onlyRow(account.accountId)).toMatchObject({ outcome: 'client_left_before_output' })
  })

  test('in the middle of a stream pays for what was delivered, and the upstream is cut off', async () => {
    const account = await gateway.newAccount()
    const text = '你好'.repeat(2_000)
    const called = Promise.withResolvers<UpstreamCall>()
    upstream.behave((out, call) => {
      out.writeHead(200, { 'content-type': 'text/event-stream' }).write(chunk({ content: text }))
      called.resolve(call)
    })
    const leave = new AbortController()
    const answer = await chat({ ...gateway, ...account }, saying('hi', { stream: true }), {
      signal: leave.signal,
      headers: { 'x-api-key': account.secret },
    })
    const reader = answer.body!.getReader()
    for (let read = 0; read < Buffer.byteLength(text);) read += (await reader.read()).value!.length
    leave.abort()
    await (
      await called.promise
    ).closed
    expect(await onlyRow(account.accountId)).toMatchObject({
      outcome: 'client_left',
      status: 499,
      usage_source: 'counted',
      output_tokens: BigInt(Math.floor(Buffer.byteLength(text) * 0.18)),
      finish_reason: null,
    })
  })

  test('while its funds are being held is not called for, or is cut off', async () => {
    const account = await gateway.newAccount()
    const calls: Promise<void>[] = []
    upstream.behave((_out, call) => calls.push(call.closed))
    const lock = await gateway.database.connect()
    await lock.query('begin')
    await lock.query('select from wallet where account_id = $1 for update', [account.accountId])
    const socket = openSocket(gateway, wireOf({ ...gateway, ...account }, saying('hi')))
    // Waits until the hold waits for the lock.
    for (let waiting = 0; waiting === 0; await wait(5)) {
      const { rows } = await gateway.database.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      waiting = rows.length
    }
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resetAndDestroy()
    await closed
    await wait(20)
    await lock.query('commit')
    lock.release()
    expect(await onlyRow(account.accountId)).toMatchObject({ outcome: 'client_left_before_output' })
    await Promise.all(calls)
  })

  test('does so two hundred times, at every point of a stream, and nothing is left behind', async () => {
    const open = new Set<UpstreamCall>()
    upstream.behave((out, call) => {
      open.add(call)
      void call.closed.then(() => open.delete(call))
      out.writeHead(200, { 'content-type': 'text/event-stream' })
      let sent = 0
      const timer = setInterval(() => {
        if (out.destroyed || sent > 200) clearInterval(timer)
        else out.write(chunk({ content: `piece ${sent++} 你好` }))
      }, 1)
    })
    const visits = Array.from({ length: 200 }, async (_, at) => {
      const socket = openSocket(gateway, wireOf(gateway, saying('hi', { stream: true })))
      const closed = new Promise((resolve) => socket.once('close', resolve))
      // Some leave at once, some after so many bytes; some politely, some by a reset.
      const leave = () => (at % 2 === 0 ? socket.destroy() : socket.resetAndDestroy())
      let read = 0
      socket.on('data', (bytes) => {
        read += bytes.length
        if (read > (at % 20) * 200) leave()
      })
      if (at % 10 === 0) setTimeout(leave, at / 10)
      await closed
    })
    await Promise.all(visits)
    await gateway.quiet()
    for (const call of open) await call.closed
    const { rows } = await gateway.database.query<{ outcome: string; count: bigint }>(
      'select outcome, count(*) from request where account_id = $1 group by outcome',
      [gateway.accountId],
    )
    for (const { outcome } of rows) expect(outcome).toMatch(/^client_left/)
    expect(await gateway.wallet()).toMatchObject({ held: 0n, openHolds: 0 })
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
  })
})
