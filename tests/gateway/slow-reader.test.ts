import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSocket, saying, wireOf } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { event, startUpstream, type TestUpstream } from '../support/upstream.ts'

const MEBIBYTE = 1024 * 1024
/** What sockets and streams between the two may hold, bytes. */
const MOST_BUFFERED = 16 * MEBIBYTE

let upstream: TestUpstream
let gateway: TestGateway

beforeAll(async () => {
  upstream = await startUpstream()
  gateway = await startGateway({ upstreamUrl: upstream.url })
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

const piece = event({
  choices: [{ index: 0, delta: { content: 'x'.repeat(64 * 1024) }, finish_reason: null }],
})

test('a client that does not read stops the upstream, and goes on where it was when it does', async () => {
  let written = 0
  const stopped = Promise.withResolvers<void>()
  upstream.behave(async (out) => {
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    while (written < 50 * MEBIBYTE && !out.destroyed) {
      written += piece.length
      if (out.write(piece)) continue
      // Full: the gateway has stopped reading when nothing drains for a while.
      const drained = new Promise<true>((resolve) => out.once('drain', () => resolve(true)))
      const still = new Promise<false>((resolve) => setTimeout(() => resolve(false), 500))
      if (!(await Promise.race([drained, still]))) stopped.resolve()
      await drained
    }
    out.end(
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
        event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } }) +
        event('[DONE]'),
    )
  })
  const socket = openSocket(gateway, wireOf(gateway, saying('hi', { stream: true })))
  socket.pause()
  await stopped.promise
  expect(written).toBeLessThan(MOST_BUFFERED)
  expect(await gateway.wallet()).toMatchObject({ openHolds: 1 })

  let read = 0
  let tail = ''
  socket.on('data', (bytes: Buffer) => {
    read += bytes.length
    tail = (tail + bytes.toString('latin1')).slice(-8_000)
    if (tail.includes('data: [DONE]')) socket.end()
  })
  socket.resume()
  await new Promise((resolve) => socket.once('close', resolve))
  expect(read).toBeGreaterThan(50 * MEBIBYTE)
  expect(tail).toContain(': receipt {')
  expect(await gateway.breaks()).toEqual([])
})

test('a client that leaves without having read lets go of the upstream', async () => {
  const closed = Promise.withResolvers<void>()
  const full = Promise.withResolvers<void>()
  upstream.behave((out, call) => {
    void call.closed.then(closed.resolve)
    out.writeHead(200, { 'content-type': 'text/event-stream' })
    const fill = () => {
      while (!out.destroyed && out.write(piece));
      setTimeout(full.resolve, 500)
    }
    out.on('drain', fill)
    fill()
  })
  const socket = openSocket(gateway, wireOf(gateway, saying('hi', { stream: true })))
  socket.pause()
  await full.promise
  socket.resetAndDestroy()
  await closed.promise
  expect(await gateway.breaks()).toEqual([])
})
