import { StreamReader } from '@smartoken/gateway/stream-reader'
import { charge, type Usage } from '@smartoken/prisma/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, dataIn, receiptIn } from '../support/chat.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startDialectServer, type DialectServer } from './dialect-server.ts'
import { heardInStream, heardOf, heardPlain } from './heard.ts'
import { routed } from './routed.ts'
import { ANSWER, CACHED, PROMPT, REASONING, reasons, sayings, type Said } from './said.ts'
import { streamOf, type Wire } from './wire.ts'
import { wires } from './wires.ts'

/** What the client sees as the answer's model: its provider's name, but never an account's own. */
const shownModel = ({ named, model, upstreamModel }: Wire): string =>
  named?.startsWith('ep-') ? model : upstreamModel

const billed = (said: Said): Usage => ({
  input: PROMPT - CACHED,
  cachedInput: CACHED,
  cacheWrite: 0,
  output: reasons(said) ? 0 : ANSWER,
  thinkingOutput: reasons(said) ? ANSWER : 0,
})

describe.each(wires.map((wire) => [`${wire.provider} (${wire.upstreamModel})`, wire] as const))(
  '%s',
  (_name, wire) => {
    let server: DialectServer
    let gateway: TestGateway

    beforeAll(async () => {
      server = await startDialectServer(wire)
      const variable = wire.provider.toUpperCase().replace('-', '_')
      gateway = await startGateway({
        catalog: routed,
        env: {
          [`${variable}_API_KEY`]: `key-of-${wire.provider}`,
          [`${variable}_BASE_URL`]: server.url,
        },
      })
    })
    afterAll(async () => {
      expect(await gateway.breaks()).toEqual([])
      await gateway.close()
      await server.close()
    })

    const ask = (said: Said, over: object = {}) =>
      chat(gateway, {
        model: wire.model,
        messages: [{ role: 'user', content: said.name }],
        ...over,
      })

    /** Checks that what was used is what was reported, and that it was charged by the row in force, to the nano-dollar. */
    async function expectCharged(said: Said, requestId: string): Promise<void> {
      await gateway.quiet()
      const row = await gateway.requestRow(requestId)
      const usage = billed(said)
      const { prices } = gateway.services.catalog.models.find(({ id }) => id === wire.model)!
      const price = prices.find(({ id }) => id === row.price_id)!
      expect(row).toMatchObject({
        usage_source: 'provider',
        outcome: 'completed',
        route: `${wire.provider}/x`,
        input_tokens: BigInt(usage.input),
        cached_input_tokens: BigInt(usage.cachedInput),
        output_tokens: BigInt(usage.output),
        thinking_output_tokens: BigInt(usage.thinkingOutput),
        charge: charge(usage, price),
      })
    }

    const shownUsage = (said: Said) => ({
      prompt_tokens: PROMPT,
      completion_tokens: ANSWER,
      total_tokens: PROMPT + ANSWER,
      prompt_tokens_details: { cached_tokens: CACHED },
      ...(reasons(said) && { completion_tokens_details: { reasoning_tokens: REASONING } }),
    })

    test.each(sayings.map((said) => [said.name, said] as const))(
      '%s, plain',
      async (_one, said) => {
        const got = await ask(said)
        expect(got.status).toBe(200)
        const answer = (await got.json()) as Parameters<typeof heardPlain>[0] & { usage: object }
        expect(heardPlain(answer)).toEqual(heardOf(said, shownModel(wire)))
        expect(answer.usage).toMatchObject(shownUsage(said))
        await expectCharged(said, got.headers.get('x-request-id')!)
      },
    )

    test.each(
      sayings.flatMap((said) =>
        [undefined, 1, 7].map((bytes) => [said.name, bytes, said] as const),
      ),
    )('%s, streamed, cut at every %s bytes', async (_one, bytes, said) => {
      server.cut(bytes)
      const got = await ask(said, { stream: true, stream_options: { include_usage: true } })
      expect(got.status).toBe(200)
      const stream = await got.text()
      expect(heardInStream(stream)).toEqual(heardOf(said, shownModel(wire)))
      const usages = dataIn(stream.replaceAll('\r\n', '\n')).filter((data) =>
        /"usage":\{/.test(data),
      )
      expect(usages).toHaveLength(1)
      expect(JSON.parse(usages[0]!)).toMatchObject({ choices: [], usage: shownUsage(said) })
      expect(receiptIn(stream)).toMatchObject({ usage_source: 'provider' })
      await expectCharged(said, got.headers.get('x-request-id')!)
    })

    test('takes what OpenAI’s clients send, in its own terms', async () => {
      const tools = [
        { type: 'function', function: { name: 'weather', strict: true, parameters: {} } },
      ]
      const got = await chat(gateway, {
        model: wire.model,
        messages: [
          { role: 'developer', content: 'be brief' },
          { role: 'user', content: 'hi', name: 'eve' },
          { role: 'assistant', content: 'hello', reasoning_content: 'hm' },
          { role: 'user', content: 'more' },
          { role: 'assistant', content: 'yes' },
          { role: 'user', content: 'tools' },
        ],
        max_completion_tokens: 500,
        temperature: 1.2,
        top_p: 0.9,
        presence_penalty: 0.1,
        frequency_penalty: 0.1,
        reasoning_effort: 'high',
        user: 'eve@example.com',
        tools,
        tool_choice: 'required',
      })
      expect([got.status, await got.text()]).toEqual([200, expect.stringContaining('weather')])
      expect(JSON.stringify(server.bodies.at(-1))).not.toContain('eve@example.com')
      expect(got.headers.get('x-smartoken-adjusted')).toContain('user dropped')
    })

    test('what it refuses is told', async () => {
      server.fail(400, { error: { message: 'bad top_p', type: 'invalid_request_error' } })
      const got = await ask(sayings[0]!)
      expect([got.status, await got.json()]).toMatchObject([
        400,
        { error: { code: 'upstream_rejected', message: expect.stringContaining('bad top_p') } },
      ])
    })
  },
)

const EDGES = [
  ['as sent', (stream: string) => stream],
  ['with CR LF', (stream: string) => stream.replaceAll(/\r?\n/g, '\r\n')],
  ['with CR', (stream: string) => stream.replaceAll(/\r?\n/g, '\r')],
] as const

describe.each(wires.map((wire) => [`${wire.provider} (${wire.upstreamModel})`, wire] as const))(
  'a stream of %s',
  (_name, wire) => {
    const read = (...pieces: readonly Buffer[]) => {
      const { provider, model } = wire
      const reader = new StreamReader({ provider, model })
      const passed = pieces.map((piece) => reader.push(piece))
      return { passed: Buffer.concat(passed).toString(), ...reader.facts }
    }

    test.each(
      sayings.flatMap((said) => EDGES.map(([edge, end]) => [said.name, edge, said, end] as const)),
    )('of %s, %s, is the same wherever it is cut', (_one, _edge, said, end) => {
      const whole = Buffer.from(end(streamOf(wire, said)))
      const { passed, ...facts } = read(whole)
      expect(heardInStream(passed)).toEqual(heardOf(said, shownModel(wire)))
      expect(facts).toMatchObject({ done: true, error: undefined, output: true })
      const differing = Array.from({ length: whole.length }, (_, at) => at).filter((at) => {
        const cut = read(whole.subarray(0, at), whole.subarray(at))
        return cut.passed !== passed || JSON.stringify(cut) !== JSON.stringify({ passed, ...facts })
      })
      expect(differing).toEqual([])
      expect(read(...[...whole].map((byte) => Buffer.from([byte])))).toEqual({ passed, ...facts })
    })
  },
)
