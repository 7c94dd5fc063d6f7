import { stripTypeScriptTypes } from 'node:module'
import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import { chatSamples } from './chat-samples.ts'

const given = { baseUrl: 'https://thesmartoken.com/v1', model: 'kimi-k2.6' }
const codeOf = (name: string) =>
  chatSamples(given).find((sample) => sample.name === name)?.code ?? ''

test.each(chatSamples(given))('the $name sample names the base URL and the model', ({ code }) => {
  expect(code).toContain(given.baseUrl)
  expect(code).toContain(given.model)
})

test('the body curl sends is JSON', () => {
  const body = /-d '(.+)'$/s.exec(codeOf('curl'))?.[1] ?? ''
  expect(JSON.parse(body)).toEqual({
    model: given.model,
    messages: [{ role: 'user', content: 'Hello!' }],
  })
})

test('the TypeScript sample parses', () => {
  const [, ...lines] = stripTypeScriptTypes(codeOf('TypeScript')).split('\n')
  expect(() => new Script(`async () => {${lines.join('\n')}}`)).not.toThrow()
})
