import {
  answers,
  chunk,
  completion,
  content,
  DONE,
  event,
  finish,
  half,
  inTwo,
  pieces,
  role,
  stream,
  TEXT,
  USAGE,
  usageChunk,
} from './answer.ts'
import type { Behaviour } from './upstream.ts'

/** A stream and a plain answer that are odd in the same way. */
const odd = (streamed: string, plain: Record<string, unknown> | string = completion()): Behaviour =>
  answers((peer) =>
    peer.stream ? streamed : typeof plain === 'string' ? plain : JSON.stringify(plain),
  )

/** Usage of this kind; `text` where its JSON is no value of ours. */
const usage = (value: unknown): Behaviour =>
  odd(content + finish + usageChunk(value) + DONE, completion({ over: { usage: value } }))

/** A last chunk that says this of its choice; a plain answer that does. */
const ending = (choice: object): Behaviour =>
  inTwo(
    content,
    chunk({ delta: {}, ...choice }) + usageChunk() + DONE,
    completion({ choice: { finish_reason: undefined, ...choice } }),
  )

const withLineEnds = (end: string): Behaviour =>
  odd(stream.replaceAll('\n', end), JSON.stringify(completion(), null, 1).replaceAll('\n', end))

const failure = event({ error: { message: 'sk-canary is broke', type: 'server_error', code: 500 } })
const failing = completion({ over: { error: { message: 'sk-canary is broke' } } })

const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
const calls = (...fragments: readonly object[]): string =>
  content +
  fragments.map((fragment) => chunk({ delta: { tool_calls: [fragment] } })).join('') +
  chunk({ delta: {}, finish_reason: 'tool_calls' }) +
  usageChunk() +
  DONE
const called = (...toolCalls: readonly unknown[]) =>
  completion({ message: { tool_calls: toolCalls }, choice: { finish_reason: 'tool_calls' } })

/** Ways to say something else than a chat completion does. */
export const events = {
  'usage missing': odd(content + finish + DONE, completion({ over: { usage: undefined } })),
  'usage null': usage(null),
  'usage {}': usage({}),
  'usage an array': usage([300, 200]),
  'usage a string': usage('300 and 200'),
  'usage a number': usage(500),
  'usage of strings': usage({ prompt_tokens: '300', completion_tokens: '200' }),
  'usage negative': usage({ prompt_tokens: -300, completion_tokens: -200 }),
  'usage of half tokens': usage({ prompt_tokens: 300.5, completion_tokens: 200 }),
  'usage huge': usage({ prompt_tokens: 300, completion_tokens: 9e15 }),
  'usage over the limit sent': usage({ prompt_tokens: 300, completion_tokens: 4_097 }),
  'usage of more prompt than was sent': usage({ prompt_tokens: 100_000, completion_tokens: 200 }),
  'usage 1e308': odd(
    content + finish + usageChunk().replace('200', '1e308') + DONE,
    JSON.stringify(completion()).replace('200', '1e308'),
  ),
  'usage with more cached than prompt': usage({
    ...USAGE,
    prompt_tokens_details: { cached_tokens: 301 },
  }),
  'usage with a negative cache': usage({ ...USAGE, prompt_tokens_details: { cached_tokens: -1 } }),
  'usage with more reasoning than answer': usage({
    ...USAGE,
    completion_tokens_details: { reasoning_tokens: 201 },
  }),
  'usage with details that are none': usage({ ...USAGE, prompt_tokens_details: 'none' }),
  'usage that does not add up': usage({ ...USAGE, total_tokens: 7 }),
  'usage of zero': usage({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }),
  'usage in the choice': odd(
    content + chunk({ delta: {}, finish_reason: 'stop', usage: USAGE }) + DONE,
    completion({ choice: { usage: USAGE }, over: { usage: undefined } }),
  ),
  'usage in the choice and at the top': odd(
    content + chunk({ delta: {}, finish_reason: 'stop', usage: USAGE }, { usage: USAGE }) + DONE,
    completion({ choice: { usage: USAGE } }),
  ),
  'usage twice': odd(content + finish + usageChunk() + usageChunk() + DONE),
  'usage twice, the last one right': odd(
    content + finish + usageChunk({ prompt_tokens: 1, completion_tokens: 1 }) + usageChunk() + DONE,
  ),
  'usage growing in every chunk': odd(
    role +
      pieces
        .map((piece, at) =>
          piece.replace(
            '"choices"',
            `"usage":{"prompt_tokens":300,"completion_tokens":${(at + 1) * 20}},"choices"`,
          ),
        )
        .join('') +
      finish +
      DONE,
  ),
  'usage before the text': odd(role + usageChunk() + pieces.join('') + finish + DONE),
  'usage behind [DONE]': odd(content + finish + DONE + usageChunk()),
  'no [DONE]': odd(content + finish + usageChunk()),
  '[DONE] twice': odd(stream + DONE),
  '[DONE] without its blank line': odd(stream.slice(0, -2)),
  '[DONE] without a space': odd(stream.replace('data: [DONE]', 'data:[DONE]')),
  '[DONE] in lower case': odd(stream.replace('[DONE]', '[done]')),
  '[DONE] in the middle of the text': odd(half + DONE + pieces.slice(5).join('') + finish),
  'text behind [DONE]': odd(stream + pieces[0]! + finish + usageChunk() + DONE),
  '[DONE] alone': odd(DONE, '[DONE]'),
  'text that says [DONE]': odd(
    stream.replace('Now!', '[DONE]'),
    JSON.stringify(completion()).replace('Now!', '[DONE]'),
  ),
  'text that looks like usage and an error': odd(
    stream.replace('Now!', String.raw`\",\"usage\":{\"prompt_tokens\":1},\"error\":{}`),
    JSON.stringify(completion()).replace('Now!', String.raw`\",\"usage\":{\"prompt_tokens\":1}`),
  ),
  'text that looks like an event': odd(
    stream.replace('Now!', String.raw`\n\ndata: [DONE]\n\n`),
    JSON.stringify(completion()).replace('Now!', String.raw`\n\ndata: [DONE]\n\n`),
  ),
  'no finish reason, but [DONE]': odd(
    content + usageChunk() + DONE,
    completion({ choice: { finish_reason: undefined } }),
  ),
  'no finish reason and no [DONE]': odd(content),
  'no finish reason, but usage': odd(content + usageChunk()),
  'finish reason twice': odd(content + finish + finish + usageChunk() + DONE),
  'finish reason, then text': odd(half + finish + pieces.slice(5).join('') + usageChunk() + DONE),
  'finish reason ""': ending({ finish_reason: '' }),
  'finish reason 7': ending({ finish_reason: 7 }),
  'finish reason nobody knows': ending({ finish_reason: 'eos\u0000token' }),
  'finish reason network_error': ending({ finish_reason: 'network_error' }),
  'finish reason insufficient_system_resource': ending({
    finish_reason: 'insufficient_system_resource',
  }),
  'finish reason model_context_window_exceeded': ending({
    finish_reason: 'model_context_window_exceeded',
  }),
  'finish reason sensitive': ending({ finish_reason: 'sensitive' }),
  'an error first': odd(failure, failing),
  'an error behind the role': odd(role + failure, failing),
  'an error in the middle': inTwo(half, failure, failing),
  'an error behind the finish reason': inTwo(content, finish + failure, failing),
  'an error behind the usage': inTwo(content, finish + usageChunk() + failure, failing),
  'an error in the middle, in the packet of the text': odd(half + failure, failing),
  'an error of null': odd(
    content.replaceAll('"choices"', '"error":null,"choices"') + finish + usageChunk() + DONE,
    completion({ over: { error: null } }),
  ),
  'an error that is a string': inTwo(half, event({ error: 'sk-canary' }), '{"error":"sk-canary"}'),
  'an error by the event’s name': inTwo(
    half,
    'event: error\ndata: {"code":"InternalError","message":"sk-canary"}\n\n',
    '{"code":"InternalError","message":"sk-canary"}',
  ),
  'choices empty': odd(
    role + event({ choices: [] }) + stream,
    completion({ over: { choices: [] } }),
  ),
  'choices null': odd(event({ choices: null }) + stream, completion({ over: { choices: null } })),
  'choices an object': odd(
    event({ choices: { 0: {} } }) + stream,
    completion({ over: { choices: { 0: {} } } }),
  ),
  'choices of null': odd(
    event({ choices: [null] }) + stream,
    completion({ over: { choices: [null] } }),
  ),
  'choices missing': odd(
    event({ id: 'chat-1' }) + stream,
    completion({ over: { choices: undefined } }),
  ),
  'delta or message null': odd(
    chunk({ delta: null }) + stream,
    completion({ choice: { message: null } }),
  ),
  'delta or message missing': odd(
    chunk({}) + stream,
    completion({ choice: { message: undefined } }),
  ),
  'content null': odd(
    chunk({ delta: { content: null } }) + stream,
    completion({ message: { content: null } }),
  ),
  'content a number': odd(
    chunk({ delta: { content: 5 } }) + stream,
    completion({ message: { content: 5 } }),
  ),
  'content of parts': odd(
    chunk({ delta: { content: [{ type: 'text', text: 'x' }] } }) + stream,
    completion({ message: { content: [{ type: 'text', text: TEXT }] } }),
  ),
  'a role and nothing else': odd(
    role + finish + usageChunk() + DONE,
    completion({ message: { content: '' } }),
  ),
  'a role in every chunk': odd(
    stream.replaceAll('"delta":{"content"', '"delta":{"role":"assistant","content"'),
  ),
  'no role': odd(stream.slice(role.length), completion({ message: { role: undefined } })),
  'two choices': odd(
    content + chunk({ index: 1, delta: { content: 'other' } }) + finish + usageChunk() + DONE,
    completion({
      over: {
        choices: [0, 1].map((index) => ({
          index,
          message: { role: 'assistant', content: TEXT.slice(0, TEXT.length / 2) },
          finish_reason: 'stop',
        })),
      },
    }),
  ),
  'a choice of another index': odd(
    stream.replaceAll('"index":0', '"index":5'),
    completion({ choice: { index: 5 } }),
  ),
  'a tool call without index': odd(calls(call), called(call)),
  'a tool call of index "0"': odd(calls({ index: '0', ...call }), called({ index: '0', ...call })),
  'a tool call of index null': odd(
    calls({ index: null, ...call }),
    called({ index: null, ...call }),
  ),
  'tool calls with ids empty': odd(
    calls({ index: 0, ...call }, { index: 0, id: '', function: { name: '', arguments: '' } }),
    called({ ...call, id: '' }),
  ),
  'a tool call that is null': odd(
    calls({ index: 0, ...call }).replace('"tool_calls":[{', '"tool_calls":[null,{'),
    called(null, call),
  ),
  'tool calls that are no array': odd(
    content + chunk({ delta: { tool_calls: { 0: call } } }) + finish + usageChunk() + DONE,
    completion({ message: { tool_calls: { 0: call } } }),
  ),
  'a tool call without arguments': odd(
    calls({ index: 0, id: 'call_1', type: 'function', function: { name: 'f' } }),
    called({ id: 'call_1', type: 'function', function: { name: 'f' } }),
  ),
  'line ends of CR LF': withLineEnds('\r\n'),
  'line ends of CR': withLineEnds('\r'),
  'line ends of all kinds': odd(
    stream
      .split('\n\n')
      .map((frame, at) => frame + ['\n\n', '\r\n\r\n', '\n\r\n', '\r\n\n'][at % 4]!)
      .join(''),
  ),
  'comments only': odd(': hello\n\n: hello\n\n', '// hello'),
  'comments between all lines': odd(stream.replaceAll('data:', ': comment\ndata:')),
  'event, id and retry in every event': odd(
    stream.replaceAll('data:', 'event: message\nid: sk-canary\nretry: 1\ndata:'),
  ),
  'fields nobody knows': odd(stream.replaceAll('data:', 'dat: 1\nx\n:\ndata:')),
  'data over several lines': odd(
    stream.replaceAll('data: {', 'data: {\ndata: '),
    JSON.stringify(completion(), null, 2),
  ),
  'data without a space': odd(stream.replaceAll('data: ', 'data:')),
  'data with two spaces': odd(stream.replaceAll('data: ', 'data:  ')),
  'data that is empty': odd(`data: \n\ndata:\n\n${stream}`),
  'data that is no JSON': inTwo(
    half,
    `data: {"choices":[{"del\n\n${pieces.slice(5).join('')}${finish}${usageChunk()}${DONE}`,
    '{"choices":[{"mess',
  ),
  'data of no chunk': odd(`${event([])}${event(1)}${event(null)}${event('"x"')}${stream}`),
  'blank lines between events': odd(stream.replaceAll('\n\n', '\n\n\n\n\n')),
  'events of a message API': odd(
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":1}}}\n\n' +
      'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"x"}}\n\n' +
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    '{"type":"message","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":1}}',
  ),
} satisfies Record<string, Behaviour>
