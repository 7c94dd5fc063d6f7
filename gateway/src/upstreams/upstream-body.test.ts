import { loadCatalog, type Model, type Route } from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { readChatRequest } from '../steps/read-chat-request.ts'
import { outputPerLimit, upstreamBody } from './upstream-body.ts'

const models = new Map(loadCatalog().models.map((model) => [model.id, model]))
const user = 'account-1'

/** A request to a catalog model, as its provider gets it. */
function sent(
  id: string,
  fields: object = {},
  { limit = 1_000, parameters }: { limit?: number; parameters?: Route['parameters'] } = {},
): Record<string, unknown> {
  const model = models.get(id)!
  const route = { ...model.routes[0]!, ...(parameters && { parameters }) }
  return JSON.parse(upstreamBody(model, route, requestOf(fields), limit, user).body) as Record<
    string,
    unknown
  >
}

function requestOf(fields: object) {
  const body = { model: 'asked', messages: [{ role: 'user', content: '你好' }], ...fields }
  return readChatRequest({ fields: body, bytes: 100 })
}

describe('the limit', () => {
  test.each([
    ['deepseek-chat', 'max_tokens'],
    ['qwen-plus', 'max_tokens'],
    ['glm-4.7', 'max_tokens'],
    ['doubao-seed-1.6', 'max_completion_tokens'],
    ['kimi-k3', 'max_completion_tokens'],
    ['minimax-m2', 'max_completion_tokens'],
  ])('of %s is sent as %s, and as nothing else', (id, field) => {
    const other = field === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
    for (const asked of [{}, { max_tokens: 9 }, { max_completion_tokens: 9 }]) {
      const body = sent(id, asked)
      expect(body[field]).toBe(1_000)
      expect(body).not.toHaveProperty(other)
    }
  })
})

describe('usage of a stream', () => {
  test.each([
    ['not said', {}, { include_usage: true }],
    ['refused', { stream_options: { include_usage: false } }, { include_usage: true }],
    ['null', { stream_options: null }, { include_usage: true }],
    ['beside other options', { stream_options: { other: 1 } }, { other: 1, include_usage: true }],
  ])('is asked for when %s by the caller', (_name, options, expected) => {
    expect(sent('deepseek-chat', { stream: true, ...options })['stream_options']).toEqual(expected)
  })

  test('is not asked for where there is no stream', () => {
    expect(sent('deepseek-chat', { stream_options: {} })).not.toHaveProperty('stream_options')
  })
})

test('the model is named as the provider names it', () => {
  expect(sent('deepseek-chat')['model']).toBe(models.get('deepseek-chat')!.routes[0]!.upstreamModel)
})

test('what a route always sets wins over the caller', () => {
  const asked = { thinking: { type: 'enabled' }, temperature: 0.5 }
  const parameters = { thinking: { type: 'disabled' } }
  expect(sent('deepseek-chat', asked, { parameters })).toMatchObject({
    thinking: { type: 'disabled' },
    temperature: 0.5,
  })
})

test('the limit and the model win over what a route sets', () => {
  const body = sent('deepseek-chat', {}, { parameters: { max_tokens: 1e9, model: 'dearer' } })
  expect(body).toMatchObject({ max_tokens: 1_000, model: 'deepseek-flash' })
})

test('fields we do not know are forwarded as they came', () => {
  const fields = { top_k: 3, x: { y: [null, { z: '你' }] }, stop: ['a'] }
  expect(sent('deepseek-chat', fields)).toMatchObject(fields)
})

test('messages are forwarded whole, members we do not read included', () => {
  const messages = [
    { role: 'assistant', content: null, reasoning_content: 'so', tool_calls: [{ id: 'c' }] },
    { role: 'tool', tool_call_id: 'c', content: '{}', name: 'f' },
    { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
  ]
  expect(sent('deepseek-chat', { messages })['messages']).toEqual(messages)
})

describe('thinking at a provider that bills it beside the limit', () => {
  test.each([
    ['off where not said', 'qwen-plus', {}, { enable_thinking: false }, 1],
    ['off where refused', 'qwen-plus', { enable_thinking: false }, { enable_thinking: false }, 1],
    [
      'off where said in a way that is not yes',
      'qwen-plus',
      { enable_thinking: 'true', thinking_budget: 9_000 },
      { enable_thinking: false },
      1,
    ],
    [
      'within the limit where on',
      'qwen-plus',
      { enable_thinking: true },
      { enable_thinking: true, thinking_budget: 1_000 },
      2,
    ],
    [
      'as asked where less',
      'qwen-plus',
      { enable_thinking: true, thinking_budget: 10 },
      { enable_thinking: true, thinking_budget: 10 },
      2,
    ],
    [
      'never more than the limit',
      'qwen-plus',
      { enable_thinking: true, thinking_budget: 81_920 },
      { enable_thinking: true, thinking_budget: 1_000 },
      2,
    ],
    [
      'within the limit where the budget is none',
      'qwen-plus',
      { enable_thinking: true, thinking_budget: -1 },
      { enable_thinking: true, thinking_budget: 1_000 },
      2,
    ],
  ])('is %s', (_name, id, fields, expected, factor) => {
    expect(sent(id, fields)).toMatchObject(expected)
    expect(outputPerLimit(models.get(id)!, requestOf(fields))).toBe(factor)
  })

  test('is bounded where a model always thinks', () => {
    const model: Model = { ...models.get('qwen-plus')!, thinking: 'always' }
    const request = requestOf({})
    expect(
      JSON.parse(upstreamBody(model, model.routes[0]!, request, 1_000, user).body),
    ).toMatchObject({
      thinking_budget: 1_000,
    })
    expect(outputPerLimit(model, request)).toBe(2)
  })

  test('counts once at a provider whose limit covers it', () => {
    const model = models.get('deepseek-v4-pro')!
    expect(outputPerLimit(model, requestOf({ thinking: { type: 'enabled' } }))).toBe(1)
  })
})
