import { expect, test } from 'vitest'
import { findModel, loadCatalog, nearestIds } from './index.ts'

const catalog = loadCatalog()

test.each([
  ['an id', 'deepseek-chat', 'deepseek-chat', undefined],
  ['an id in capitals', 'DeepSeek-Chat', 'deepseek-chat', undefined],
  ['an alias', 'deepseek/deepseek-chat', 'deepseek-chat', 'deepseek/deepseek-chat'],
  ['an alias in other letters', 'MOONSHOTAI/kimi-k2', 'kimi-k2', 'moonshotai/kimi-k2'],
  ['an id behind its maker', 'Qwen/qwen-flash', 'qwen-flash', 'qwen/qwen-flash'],
  ['an id that says how to route', 'kimi-k3:nitro', 'kimi-k3', 'kimi-k3:nitro'],
])('%s finds its model', (_name, asked, id, alias) => {
  const found = findModel(catalog, asked)
  expect([found?.model.id, found?.alias?.id]).toEqual([id, alias])
})

test('what tells others how to route says that it changes nothing here, beside what the alias says', () => {
  expect(findModel(catalog, 'kimi-k3:floor')?.alias?.note).toMatch(
    /^":floor" .* changes nothing\.$/,
  )
  expect(findModel(catalog, 'deepseek/deepseek-chat:nitro')?.alias?.note).toMatch(
    /^On OpenRouter this is .* Here it is .*\. ":nitro" .*\.$/,
  )
})

test.each([
  [''],
  ['gpt-5'],
  ['constructor'],
  ['deepseek-chat '],
  ['qwen/kimi-k3'],
  ['kimi-k3:free'],
  ['kimi-k3:online'],
  ['kimi-k3:'],
  [':nitro'],
  ['kimi-k3:nitro:nitro'],
])('"%s" finds nothing', (asked) => {
  expect(findModel(catalog, asked)).toBeUndefined()
})

test.each([
  ['a slip', 'deepsek-chat', 'deepseek-chat'],
  ['an older number', 'kimi-k2.4', 'kimi-k2'],
  ['a stranger in front', 'some-marketplace/qwen-pluss', 'qwen-plus'],
  ['an ending we do not sell', 'moonshotai/kimi-k2.6:free', 'kimi-k2.6'],
])('%s is near a public id', (_name, asked, id) => {
  const near = nearestIds(catalog, asked, 3)
  expect(near).toHaveLength(3)
  expect(near).toContain(id)
})

test.each([['claude-opus-4-1-20250805'], [''], ['x'.repeat(200_000)]])(
  'what is far from everything has its three nearest all the same, and is compared in no time',
  (asked) => {
    expect(nearestIds(catalog, asked, 3)).toHaveLength(3)
  },
)
