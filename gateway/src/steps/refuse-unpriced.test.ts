import { findModel, loadCatalog } from '@smartoken/prisma/catalog'
import { expect, test } from 'vitest'
import { readChatRequest } from './read-chat-request.ts'
import { refuseUnpriced } from './refuse-unpriced.ts'

const catalog = loadCatalog()
const marked = {
  role: 'user',
  content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }],
}
const plain = { role: 'user', content: [{ type: 'text', text: 'cache_control' }] }

test.each([
  ['qwen-plus', marked, 'unsupported_parameter'],
  ['qwen-plus', { ...plain, cache_control: { type: 'ephemeral' } }, 'unsupported_parameter'],
  ['qwen-plus', plain, undefined],
  ['qwen3.7-max', marked, undefined],
])(
  'with %s, a message %j is refused as %s: a cache write is sold or not asked for',
  (id, message, code) => {
    const { model } = findModel(catalog, id)!
    const request = readChatRequest({ fields: { model: id, messages: [message] }, bytes: 100 })
    const refused = () => {
      try {
        refuseUnpriced(model, request)
        return undefined
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(refused()).toBe(code)
  },
)
