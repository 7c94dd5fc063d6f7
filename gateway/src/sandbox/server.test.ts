import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSandbox, type Sandbox } from './server.ts'

let sandbox: Sandbox
const seen: string[] = []

beforeAll(async () => {
  sandbox = await startSandbox({ beforeAnswer: ({ model }) => void seen.push(model) })
})
afterAll(() => sandbox.close())

const ask = (content: string, over: object = {}) =>
  fetch(`${sandbox.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...over }),
  })

const directed = (directive: object, over: object = {}) =>
  ask(`sandbox ${JSON.stringify(directive)}`, over)

/** Chunks of a stream. */
async function chunksOf(answer: Response) {
  const frames = (await answer.text()).trim().split('\n\n')
  expect(frames.pop()).toBe('data: [DONE]')
  return frames.map(
    (frame) =>
      JSON.parse(frame.slice('data: '.length)) as {
        choices: {
          delta: { content?: string | null; reasoning_content?: string }
          finish_reason: string | null
        }[]
        usage: object | null
      },
  )
}

describe('the sandbox', () => {
  test('says that no model was called, and shows the request to whoever waits for it', async () => {
    const answer = (await (await ask('hello')).json()) as { choices: object[]; usage: object }
    expect(answer.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: expect.stringContaining('no model was called') },
        finish_reason: 'stop',
      },
    ])
    expect(answer.usage).toMatchObject({ prompt_tokens: expect.any(Number) })
    expect(seen).toContain('m')
  })

  test('streams the text it would have answered, with usage where asked', async () => {
    const asked = { text: '你好，世界 👋', reasoning: '想一想', pieces: 3, delay_ms: 0 }
    const chunks = await chunksOf(
      await directed(asked, { stream: true, stream_options: { include_usage: true } }),
    )
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe(asked.text)
    expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe(asked.reasoning)
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { total_tokens: expect.any(Number) },
    })
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
  })

  test('stops at the limit', async () => {
    const body = await (await directed({ text: 'abcdefgh' }, { max_tokens: 1 })).json()
    expect(body).toMatchObject({
      choices: [{ message: { content: 'abcd' }, finish_reason: 'length' }],
      usage: { completion_tokens: 1 },
    })
  })

  test('calls the first tool with every argument it names', async () => {
    const parameters = { properties: { city: { type: 'string' }, days: { type: 'integer' } } }
    const tools = [{ type: 'function', function: { name: 'weather', parameters } }]
    expect(await (await ask('hi', { tools })).json()).toMatchObject({
      choices: [
        {
          message: {
            content: null,
            tool_calls: [
              { function: { name: 'weather', arguments: '{"city":"Hangzhou","days":1}' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
    })
  })

  test.each([
    ['a status', { status: 429 }, 429],
    ['what it does not know', { nonsense: true }, 400],
  ])('told %s answers so', async (_name, directive, status) => {
    const answer = await directed(directive)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(/\S/) } })
  })

  test('told to leave usage out or to report another does so', async () => {
    expect(await (await directed({ no_usage: true })).json()).not.toHaveProperty('usage')
    expect(await (await directed({ usage: { prompt_tokens: -1 } })).json()).toMatchObject({
      usage: { prompt_tokens: -1 },
    })
  })

  test('told to cut breaks the connection', async () => {
    await expect(directed({ cut_after: 0 })).rejects.toThrow('fetch failed')
    const answer = await directed({ text: 'a b c', cut_after: 1 }, { stream: true })
    await expect(answer.text()).rejects.toThrow('terminated')
  })
})
