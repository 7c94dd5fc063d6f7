import { describe, expect, test } from 'vitest'
import { IMAGE_TOKENS, promptBound, promptSize } from './input-bound.ts'

function sizeOf(messages: readonly unknown[]) {
  const body = JSON.stringify({ model: 'm', messages })
  return promptSize({ messages }, Buffer.byteLength(body))
}

const user = (content: unknown) => [{ role: 'user', content }]

describe('the bound of a prompt', () => {
  test.each([
    ['ASCII', 'the quick brown fox '],
    ['Chinese', '你好，世界。'],
    ['emoji of several code points', '👩‍👩‍👧‍👦'],
    ['quotes and line ends, escaped in JSON', '"\n\t\\'],
    ['control characters', '\u0001\u0002'],
  ])('is no less than the bytes of %s, so no tokenizer makes more of it', (_name, text) => {
    const content = text.repeat(1_000)
    expect(sizeOf(user(content)).tokens).toBeGreaterThanOrEqual(Buffer.byteLength(content))
  })

  test('covers what providers add around a message of one letter', () => {
    expect(sizeOf(user('a')).tokens).toBeGreaterThan(512)
  })

  test.each(['tools', 'functions', 'response_format'])(
    'covers the numbers of %s as they are written anew',
    (name) => {
      const body = `{"messages":[],"${name}":[{"enum":[${'1e20,'.repeat(500)}1e-7]}]}`
      const read = JSON.parse(body) as Parameters<typeof promptSize>[0]
      const written = Buffer.byteLength(JSON.stringify(read))
      expect(promptSize(read, Buffer.byteLength(body)).tokens).toBeGreaterThan(written)
    },
  )

  test('counts text parts by their bytes', () => {
    const text = '你'.repeat(500)
    expect(sizeOf(user([{ type: 'text', text }])).tokens).toBeGreaterThanOrEqual(1_500)
  })

  test('counts an image by a maximum in place of its bytes', () => {
    const url = `data:image/png;base64,${'A'.repeat(100_000)}`
    const image = { type: 'image_url', image_url: { url } }
    const size = sizeOf(user([{ type: 'text', text: 'What is it?' }, image, image]))
    expect(size.tokens).toBeGreaterThan(2 * IMAGE_TOKENS)
    expect(size.tokens).toBeLessThan(2 * IMAGE_TOKENS + 1_000)
    expect(promptBound(size, 1_000_000)).toBe(size.tokens)
  })

  test.each([
    { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
    { type: 'input_audio', input_audio: { data: 'A'.repeat(1_000), format: 'wav' } },
    { type: 'file', file: { file_data: 'A'.repeat(1_000) } },
    { type: 'video', video: ['https://example.com/1.jpg', 'https://example.com/2.jpg'] },
    { type: 'image', image: 'https://example.com/1.jpg' },
    { type: 'something_new', url: 'https://example.com/1' },
  ])('counts a part of type $type as the whole context: nothing smaller bounds it', (part) => {
    expect(promptBound(sizeOf(user([part])), 262_144)).toBe(262_144)
  })

  test.each([
    ['no content', [{ role: 'assistant' }]],
    ['null content', user(null)],
    ['parts that are none', user([null, 1, 'text', {}, { type: 1 }])],
    ['messages that are none', [null, 'text', 1]],
  ])('takes %s as bytes', (_name, messages) => {
    expect(sizeOf(messages)).toMatchObject({ boundless: false })
  })

  test('is never below the allowance when media outweighs the body given', () => {
    const messages = user([{ type: 'image_url', image_url: { url: 'x'.repeat(1_000) } }])
    expect(promptSize({ messages }, 10)).toMatchObject({ tokens: 512 + IMAGE_TOKENS })
  })
})

describe('the bytes a prompt is counted by', () => {
  const bytes = (messages: readonly unknown[], tools?: unknown) =>
    promptSize({ messages, tools }, 1_000_000).bytes

  test.each([
    ['ASCII', 'the fox', 7],
    ['Chinese, three bytes a character, however it was escaped', '你好', 6],
    ['what JSON escapes', '"\n', 2],
    ['nothing', '', 0],
  ])('are those of %s', (_name, content, expected) => {
    // "role", "user" and "content" are 15 bytes: about what the provider's own template adds.
    expect(bytes(user(content))).toBe(15 + expected)
  })

  test('leave media out, known or not', () => {
    const text = { type: 'text', text: 'What is it?' }
    const image = { type: 'image_url', image_url: { url: 'x'.repeat(1_000) } }
    const other = { type: 'something_new', url: 'x'.repeat(1_000) }
    expect(bytes(user([text, image, other]))).toBe(bytes(user([text])))
  })

  test('have tools in', () => {
    const tool = { type: 'function', function: { name: 'weather' } }
    expect(bytes([], [tool])).toBe('typefunctionfunctionnameweather'.length)
  })
})
