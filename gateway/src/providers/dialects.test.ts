import { loadCatalog, type Model } from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { readChatRequest } from '../steps/read-chat-request.ts'
import { outputPerLimit, upstreamBody } from '../upstreams/upstream-body.ts'

/** What a request becomes for each provider, and what its answer then tells of it. */

const catalog = loadCatalog()
const account = 'account-1'

interface Sent {
  readonly body: Readonly<Record<string, unknown>>
  readonly adjusted: readonly string[]
  readonly perLimit: number
}

/** A request to a model of the catalog; `by` another provider, where it has one of its own to try. */
function sent(id: string, fields: object, over: Partial<Model> & { by?: string } = {}): Sent {
  const { by, ...changes } = over
  const found = catalog.models.find((model) => model.id === id)!
  const routes = by
    ? [{ ...found.routes[0]!, provider: by, upstreamModel: 'm', parameters: {} }]
    : found.routes
  const model = { ...found, routes, ...changes }
  const asked = { model: id, messages: [{ role: 'user', content: 'a' }], ...fields }
  const request = readChatRequest({ fields: asked, bytes: 1_000 })
  const { body, adjusted } = upstreamBody(model, model.routes[0]!, request, 10_000, account)
  return {
    body: JSON.parse(body) as Sent['body'],
    adjusted,
    perLimit: outputPerLimit(model, request),
  }
}

/** What is said about thinking in it. */
const thinkingIn = ({ body }: Sent): object =>
  Object.fromEntries(
    ['thinking', 'enable_thinking', 'reasoning_effort', 'thinking_budget', 'reasoning_format']
      .filter((name) => name in body)
      .map((name) => [name, body[name]]),
  )

const enabled = { thinking: { type: 'enabled' } }
const disabled = { thinking: { type: 'disabled' } }
const effort = (reasoning_effort: string) => ({ reasoning_effort })

describe('one knob for thinking', () => {
  test.each<[string, object, object, readonly string[], object?]>([
    // Where nothing is said, the model's entry decides, and every provider is told.
    ['deepseek-flash', {}, enabled, []],
    ['deepseek-flash', {}, disabled, [], { thinksUnasked: false }],
    ['qwen-plus', {}, { enable_thinking: false }, []],
    ['qwen3.6-plus', {}, { enable_thinking: true, thinking_budget: 10_000 }, []],
    ['glm-4.7', {}, enabled, []],
    ['doubao-seed-1.6', {}, enabled, []],
    ['kimi-k2.6', {}, enabled, []],
    ['minimax-m3', {}, { thinking: { type: 'adaptive' } }, []],
    ['qwen-plus', {}, disabled, [], { by: 'tencent' }],
    ['qwen-plus', {}, { enable_thinking: false }, [], { by: 'qianfan' }],
    ['qwen-plus', {}, disabled, [], { by: 'mimo' }],
    // What does one thing only is told nothing.
    ['qwen-max', {}, {}, []],
    ['kimi-k3', {}, {}, []],
    ['kimi-k2.7-code', {}, {}, []],
    ['minimax-m2', {}, {}, []],
    ['glm-5.3', {}, {}, []],
    ['qwen-plus', {}, { thinking_budget: 10_000 }, [], { thinking: 'always' }],
    // By an effort.
    ['deepseek-flash', effort('low'), { ...enabled, reasoning_effort: 'low' }, []],
    [
      'deepseek-v4-pro',
      effort('medium'),
      { ...enabled, reasoning_effort: 'high' },
      ['reasoning_effort=high'],
    ],
    [
      'deepseek-v4-pro',
      effort('xhigh'),
      { ...enabled, reasoning_effort: 'max' },
      ['reasoning_effort=max'],
    ],
    ['deepseek-flash', effort('none'), disabled, ['thinking=disabled']],
    [
      'qwen-plus',
      effort('low'),
      { enable_thinking: true, thinking_budget: 4_096 },
      ['enable_thinking=true', 'thinking_budget=4096'],
    ],
    [
      'qwen-plus',
      effort('high'),
      { enable_thinking: true, thinking_budget: 10_000 },
      ['enable_thinking=true', 'thinking_budget=10000'],
    ],
    ['glm-5.2', effort('medium'), { ...enabled, ...effort('high') }, ['reasoning_effort=high']],
    ['glm-4.7', effort('medium'), enabled, ['thinking=enabled']],
    ['glm-5.3', effort('xhigh'), effort('max'), ['reasoning_effort=max']],
    ['kimi-k3', effort('minimal'), effort('low'), ['reasoning_effort=low']],
    ['kimi-k2.6', effort('high'), enabled, ['thinking=enabled']],
    ['kimi-k2.7-code', effort('high'), {}, ['reasoning_effort dropped']],
    ['minimax-m2.7', effort('high'), {}, ['reasoning_effort dropped']],
    ['qwen-plus', effort('medium'), { ...enabled, ...effort('medium') }, [], { by: 'tencent' }],
    [
      'glm-5.3',
      effort('max'),
      { ...effort('high'), reasoning_format: 'deepseek-style' },
      ['reasoning_effort=high'],
      { by: 'stepfun' },
    ],
    // By a switch, in whosever words.
    ['deepseek-flash', disabled, disabled, []],
    ['deepseek-flash', { enable_thinking: false }, disabled, ['thinking=disabled']],
    [
      'qwen-plus',
      enabled,
      { enable_thinking: true, thinking_budget: 10_000 },
      ['enable_thinking=true', 'thinking_budget=10000'],
    ],
    [
      'qwen-plus',
      { thinking: { type: 'enabled', budget_tokens: 2_000 } },
      { enable_thinking: true, thinking_budget: 2_000 },
      ['enable_thinking=true', 'thinking_budget=2000'],
    ],
    ['glm-4.7', { ...enabled, thinking_budget: 9 }, enabled, ['thinking_budget dropped']],
    ['minimax-m3', enabled, { thinking: { type: 'adaptive' } }, ['thinking=adaptive']],
    ['minimax-m3', disabled, disabled, []],
    [
      'kimi-k2.6',
      { thinking: { type: 'enabled', keep: 'all' } },
      { thinking: { type: 'enabled', keep: 'all' } },
      [],
    ],
    // What cannot be switched off does the least it can; what cannot think is not asked to.
    ['glm-5.3', disabled, effort('low'), ['reasoning_effort=low']],
    ['kimi-k3', { enable_thinking: false }, effort('low'), ['reasoning_effort=low']],
    ['kimi-k2.7-code', disabled, {}, ['thinking dropped']],
    ['deepseek-reasoner', disabled, { ...enabled, ...effort('low') }, ['thinking=enabled']],
    ['deepseek-chat', effort('high'), disabled, ['thinking=disabled']],
    ['kimi-k2', enabled, disabled, ['thinking=disabled']],
    ['qwen-max', { enable_thinking: true }, {}, ['enable_thinking dropped']],
    // The first of several decides; what is no value is not heard.
    ['glm-4.7', { ...disabled, ...effort('high') }, disabled, []],
    ['deepseek-flash', effort('very'), enabled, ['thinking=enabled']],
    [
      'qwen-plus',
      { enable_thinking: 'true' },
      { enable_thinking: false },
      ['enable_thinking=false'],
    ],
    ['glm-4.7', { thinking: null, reasoning_effort: null }, enabled, []],
  ])('%s, asked %j, is told %j and says %j', (id, fields, expected, adjusted, over = {}) => {
    const got = sent(id, fields, over)
    expect(thinkingIn(got)).toEqual(expected)
    expect(got.adjusted).toEqual(adjusted)
  })

  test.each<[string, object, number, object?]>([
    ['qwen-plus', {}, 1],
    ['qwen3.6-plus', {}, 2],
    ['qwen3.6-plus', effort('none'), 1],
    ['qwen-plus', effort('low'), 2],
    ['qwen-plus', enabled, 2],
    ['deepseek-flash', {}, 1],
    ['qwen-max', enabled, 1],
    ['qwen-plus', {}, 2, { thinking: 'always' }],
  ])('%s, asked %j, is held for %i times its limit', (id, fields, factor, over = {}) => {
    expect(sent(id, fields, over).perLimit).toBe(factor)
  })

  test('a model with several routes is held for by the dearest', () => {
    const { routes } = catalog.models.find(({ id }) => id === 'qwen-plus')!
    const both = [{ ...routes[0]!, provider: 'deepseek' }, ...routes]
    expect(sent('qwen-plus', enabled, { routes: both }).perLimit).toBe(2)
  })
})

describe('what a provider does not take', () => {
  const sampling = { temperature: 0.2, top_p: 0.9, presence_penalty: 1, frequency_penalty: 1 }

  test.each<[string, object, object, readonly string[], object?]>([
    [
      'kimi-k3',
      { ...sampling, seed: 1 },
      { seed: 1 },
      [
        'temperature dropped',
        'top_p dropped',
        'presence_penalty dropped',
        'frequency_penalty dropped',
      ],
    ],
    [
      'glm-4.7',
      { temperature: 1.5, top_p: 1, presence_penalty: 1, frequency_penalty: 0 },
      { temperature: 1, top_p: 1 },
      ['frequency_penalty dropped', 'presence_penalty dropped', 'temperature=1'],
    ],
    [
      'qwen-plus',
      sampling,
      { temperature: 0.2, top_p: 0.9, presence_penalty: 1 },
      ['frequency_penalty dropped'],
    ],
    ['deepseek-chat', sampling, sampling, []],
    [
      'minimax-m3',
      { temperature: 0, seed: 1, response_format: { type: 'json_object' } },
      { temperature: 0.01 },
      ['response_format dropped', 'seed dropped', 'temperature=0.01'],
    ],
    ['deepseek-chat', { temperature: null, user: null }, { temperature: null }, []],
  ])('%s, asked %j, gets %j and says %j', (id, fields, expected, adjusted, over = {}) => {
    const got = sent(id, fields, over)
    const rest = Object.fromEntries(
      [...Object.keys(sampling), 'seed', 'response_format', 'user']
        .filter((name) => name in got.body)
        .map((name) => [name, got.body[name]]),
    )
    expect(rest).toEqual(expected)
    expect(got.adjusted).toEqual(adjusted)
  })

  const tools = [
    { type: 'function', function: { name: 'f', strict: true, parameters: { type: 'object' } } },
  ]
  const loose = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]

  test.each([
    ['glm-4.7', { tools }, { tools: loose }, ['strict dropped']],
    ['glm-4.7', { tools: loose, stream: true }, { tools: loose, tool_stream: true }, []],
    ['glm-4.5-air', { tools: loose, stream: true }, { tools: loose }, []],
    ['glm-4.7', { tools: loose, tool_choice: 'auto' }, { tools: loose, tool_choice: 'auto' }, []],
    [
      'glm-4.7',
      { tools: loose, tool_choice: 'required' },
      { tools: loose, tool_choice: 'auto' },
      ['tool_choice=auto'],
    ],
    [
      'glm-4.7',
      { tools: loose, tool_choice: 'none' },
      {},
      ['tools dropped', 'tool_choice dropped'],
    ],
    ['minimax-m3', { tools, tool_choice: 'none' }, {}, ['tools dropped', 'tool_choice dropped']],
    ['deepseek-chat', { tools, tool_choice: 'required' }, { tools, tool_choice: 'required' }, []],
  ])('%s, asked %j, gets %j and says %j', (id, fields, expected, adjusted) => {
    const got = sent(id, fields)
    const rest = Object.fromEntries(
      ['tools', 'tool_choice', 'tool_stream']
        .filter((name) => name in got.body)
        .map((name) => [name, got.body[name]]),
    )
    expect(rest).toEqual(expected)
    expect(got.adjusted).toEqual(adjusted)
  })
})

describe('whom a request is for', () => {
  test.each([
    ['deepseek-chat', 'user_id'],
    ['glm-4.7', 'user_id'],
    ['kimi-k3', 'safety_identifier'],
    ['qwen-plus', undefined],
  ])('%s is told a pseudonym of the account, never the caller’s own users', (id, field) => {
    const { body, adjusted } = sent(id, { user: 'eve@example.com', user_id: 'acc_2' })
    expect(JSON.stringify(body)).not.toMatch(/eve|acc_/)
    expect(field ? body[field] : account).toBe(account)
    expect(adjusted).toEqual(['user dropped', 'user_id dropped'])
  })
})

describe('messages', () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
  const turns = [
    { role: 'developer', content: 'be brief' },
    { role: 'user', content: 'a', name: 'eve' },
    { role: 'assistant', content: 'b', reasoning: 'so' },
    { role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: [call] },
    {
      role: 'tool',
      tool_call_id: 'c',
      content: [
        { type: 'text', text: '4' },
        { type: 'text', text: '2' },
      ],
    },
    { role: 'assistant', content: '', reasoning_content: 'only thought' },
    { role: 'user', content: 'c' },
  ]
  const [developer, user, , second, tool, empty, last] = turns
  const system = { ...developer, role: 'system' }
  const answer = { role: 'assistant', content: 'b' }

  test.each<[string, readonly object[], readonly string[], object?]>([
    [
      'deepseek-flash',
      [
        system,
        user!,
        { ...answer, reasoning_content: 'so' },
        second!,
        { ...tool, content: '42' },
        empty!,
        last!,
      ],
      [],
    ],
    [
      'qwen-plus',
      [
        system,
        user!,
        answer,
        { role: 'assistant', content: null, tool_calls: [call] },
        tool!,
        last!,
      ],
      ['reasoning_content dropped'],
    ],
    [
      'glm-4.7',
      [
        system,
        { role: 'user', content: 'a' },
        { ...answer, reasoning_content: 'so' },
        second!,
        tool!,
        empty!,
        last!,
      ],
      [],
    ],
    [
      'minimax-m3',
      [
        system,
        user!,
        { role: 'assistant', content: '<think>\nso\n</think>\n\nb' },
        { role: 'assistant', content: '<think>\nhm\n</think>\n\n', tool_calls: [call] },
        tool!,
        { role: 'assistant', content: '<think>\nonly thought\n</think>\n\n' },
        last!,
      ],
      [],
    ],
    [
      'kimi-k3',
      [system, user!, { ...answer, reasoning_content: 'so' }, second!, tool!, empty!, last!],
      [],
    ],
  ])('of %s', (id, messages, adjusted) => {
    const got = sent(id, { messages: turns })
    expect(got.body['messages']).toEqual(messages)
    expect(got.adjusted).toEqual(adjusted)
  })

  test.each([
    ['deepseek-flash', {}, ''],
    ['deepseek-flash', disabled, undefined],
    ['deepseek-chat', {}, undefined],
    ['deepseek-reasoner', {}, ''],
  ])('%s, asked %j, gets %j for reasoning that was not kept', (id, fields, expected) => {
    const messages = [{ role: 'user' }, { role: 'assistant', content: 'b' }, { role: 'user' }]
    const [, turn] = sent(id, { ...fields, messages }).body['messages'] as Record<string, unknown>[]
    expect(turn!['reasoning_content']).toBe(expected)
  })

  test('reasoning in both words is taken once', () => {
    const messages = [{ role: 'assistant', content: 'b', reasoning: 'x', reasoning_content: 'y' }]
    expect(sent('kimi-k3', { messages }).body['messages']).toEqual([
      { role: 'assistant', content: 'b', reasoning_content: 'y' },
    ])
  })
})

describe('a JSON schema', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  const response_format = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } }

  test.each<[string, object?]>([['deepseek-chat'], ['qwen-plus'], ['kimi-k3', { by: 'mimo' }]])(
    'is told to %s, which knows JSON only',
    (id, over = {}) => {
      const got = sent(id, { response_format }, over)
      expect(got.body['response_format']).toEqual({ type: 'json_object' })
      const [told, asked] = got.body['messages'] as { role: string; content: string }[]
      expect(told!.role).toBe('system')
      expect(told!.content).toContain('JSON')
      expect(told!.content).toContain(JSON.stringify(schema))
      expect(asked).toEqual({ role: 'user', content: 'a' })
      expect(got.adjusted).toEqual(['response_format=json_object'])
    },
  )

  test('goes as it is to a model that knows schemas, but for the name of its dialect', () => {
    const named = {
      ...response_format,
      json_schema: { ...response_format.json_schema, schema: { $schema: 'x', ...schema } },
    }
    expect(sent('glm-5.3', { response_format: named }).body['response_format']).toEqual(named)
    expect(sent('kimi-k3', { response_format: named }).body['response_format']).toEqual(
      response_format,
    )
  })
})

test('a stream’s usage is asked for', () => {
  for (const provider of catalog.providers.keys()) {
    expect(sent('qwen-plus', { stream: true }, { by: provider }).body).toMatchObject({
      stream_options: { include_usage: true },
    })
  }
})
