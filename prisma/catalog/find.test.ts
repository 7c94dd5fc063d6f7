import { expect, test } from 'vitest'
import { findModel, loadCatalog, nearestIds } from './index.ts'

const catalog = loadCatalog()

test.each([
  ['an id', 'deepseek-chat', 'deepseek-chat', undefined],
  ['an id in capitals', 'DeepSeek-Chat', 'deepseek-chat', undefined],
  ['an alias', 'deepseek/deepseek-chat', 'deepseek-chat', 'deepseek/deepseek-chat'],
  ['an alias in other letters', 'MOONSHOTAI/kimi-k2', 'kimi-k2', 'moonshotai/kimi-k2'],
])('%s finds its model', (_name, asked, id, alias) => {
  const found = findModel(catalog, asked)
  expect([found?.model.id, found?.alias?.id]).toEqual([id, alias])
})

test.each([[''], ['gpt-5'], ['constructor'], ['deepseek-chat ']])('"%s" finds nothing', (asked) => {
  expect(findModel(catalog, asked)).toBeUndefined()
})

test.each([
  ['a slip', 'deepsek-chat', 'deepseek-chat'],
  ['an older number', 'kimi-k2.4', 'kimi-k2'],
  ['a stranger in front', 'some-marketplace/qwen-pluss', 'qwen-plus'],
])('%s is near a public id', (_name, asked, id) => {
  const near = nearestIds(catalog, asked, 3)
  expect(near.length).toBeLessThanOrEqual(3)
  expect(near).toContain(id)
})

test.each([['claude-opus-4-1-20250805'], [''], [`${'x'.repeat(200)}/kimi-k2`]])(
  'what is far from everything, or too long for a slip, is near nothing',
  (asked) => {
    expect(nearestIds(catalog, asked, 3)).toEqual([])
  },
)
