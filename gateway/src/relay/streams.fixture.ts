/** Streams in the shapes providers send them, as the bytes of the wire. All say 你好 in the end. */
interface RecordedShape {
  readonly name: string
  readonly wire: string
  /** What reaches the client before our own ending. */
  readonly forwarded: string
  readonly usage: object
  readonly finishReason: string
}

const head = { id: 'chat-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'm' }

export const event = (value: object | string): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`

const delta = (content: object, more: object = {}) => ({
  ...head,
  choices: [{ index: 0, delta: content, logprobs: null, finish_reason: null, ...more }],
})

const DONE = event('[DONE]')

/** Every chunk says `usage: null`; the last has a finish reason and usage together. */
function deepseek(): RecordedShape {
  const usage = {
    prompt_tokens: 339,
    completion_tokens: 83,
    total_tokens: 422,
    prompt_tokens_details: { cached_tokens: 320 },
    completion_tokens_details: { reasoning_tokens: 39 },
    prompt_cache_hit_tokens: 320,
    prompt_cache_miss_tokens: 19,
  }
  const silent = (content: object) => event({ ...delta(content), usage: null })
  const content = [
    silent({ role: 'assistant', content: null, reasoning_content: '' }),
    silent({ content: null, reasoning_content: '想' }),
    silent({ content: '你', reasoning_content: null }),
    silent({ content: '好 "usage":{"prompt_tokens":1} [DONE] "finish_reason":"stop"' }),
  ].join('')
  const finish = delta({ content: '' }, { finish_reason: 'stop' })
  return {
    name: 'DeepSeek',
    wire: `: keep-alive\n\n${content}${event({ ...finish, usage })}${DONE}`,
    forwarded: `${content}${event(finish)}`,
    usage,
    finishReason: 'stop',
  }
}

/** The finish reason has a chunk of its own, then usage one without choices; members come in another order. */
function dashscope(): RecordedShape {
  const usage = {
    prompt_tokens: 20,
    completion_tokens: 6,
    total_tokens: 26,
    prompt_tokens_details: { cached_tokens: 0 },
  }
  const chunk = (choice: object) =>
    event({
      choices: [{ index: 0, logprobs: null, ...choice }],
      object: head.object,
      usage: null,
      created: head.created,
      system_fingerprint: null,
      model: 'm',
      id: 'chat-2',
    })
  const fragment = (call: object) =>
    chunk({ delta: { content: null, tool_calls: [call] }, finish_reason: null })
  const events = (further: object) =>
    [
      chunk({ delta: { content: '你好', role: 'assistant' }, finish_reason: null }),
      fragment({
        index: 0,
        id: 'call_1',
        type: 'function',
        function: { name: 'weather', arguments: '' },
      }),
      fragment({
        index: 0,
        ...further,
        type: 'function',
        function: { arguments: '{"city": "杭州"}' },
      }),
      chunk({ delta: {}, finish_reason: 'tool_calls' }),
    ].join('')
  return {
    name: 'DashScope',
    wire: `${events({ id: '' })}${event({ choices: [], object: head.object, usage, created: 1, model: 'm', id: 'chat-2' })}${DONE}`,
    // Clients take an empty id for a new one.
    forwarded: events({}),
    usage,
    finishReason: 'tool_calls',
  }
}

/** Usage inside the choice that finishes. */
function moonshot(): RecordedShape {
  const usage = { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21, cached_tokens: 4 }
  const content = [
    event(delta({ role: 'assistant', content: '' })),
    event(delta({ content: '你' })),
    event(delta({ content: '好' })),
  ].join('')
  const finish = delta({}, { finish_reason: 'stop' })
  return {
    name: 'Moonshot',
    wire: `${content}${event(delta({}, { finish_reason: 'stop', usage }))}${DONE}`,
    forwarded: `${content}${event(finish)}`,
    usage,
    finishReason: 'stop',
  }
}

const withCrLf = (shape: RecordedShape): RecordedShape => ({
  ...shape,
  name: `${shape.name} with CR LF`,
  wire: shape.wire.replaceAll('\n', '\r\n'),
  // A chunk that had usage is written anew; the others stay as they came.
  forwarded: shape.forwarded.replaceAll('\n', '\r\n'),
})

const shapes = [deepseek(), dashscope(), moonshot()]

export const recordedShapes: readonly RecordedShape[] = [...shapes, ...shapes.map(withCrLf)]
