import type { Provider } from '@smartoken/prisma/catalog'
import { expect, test } from 'vitest'
import { closeUpstreams, openUpstreams } from './upstreams.ts'

const providers = ['one', 'two'].map((id) => ({ id }) as Provider)

test.each([
  ['https://one.example/v1', '/v1'],
  ['https://one.example/v1/', '/v1'],
  ['https://one.example', ''],
  ['https://one.example/', ''],
  ['http://127.0.0.1:9/api/paas/v4', '/api/paas/v4'],
])('the path of %s is %j', async (baseUrl, path) => {
  const upstreams = openUpstreams(providers, () => ({ apiKey: 'k', baseUrl }))
  expect(upstreams.get('one')).toMatchObject({ path, authorization: 'Bearer k', sandbox: false })
  await closeUpstreams(upstreams)
})

test('a provider without a key is the sandbox’s where there is one, and none where there is not', async () => {
  const configurationOf = ({ id }: Provider) => ({
    apiKey: id === 'one' ? 'k' : undefined,
    baseUrl: 'https://one.example/v1',
  })
  for (const sandboxUrl of [undefined, 'http://127.0.0.1:9/v1']) {
    const upstreams = openUpstreams(providers, configurationOf, sandboxUrl)
    expect(upstreams.get('one')?.sandbox).toBe(false)
    expect(upstreams.get('two')?.sandbox).toBe(sandboxUrl && true)
    await closeUpstreams(upstreams)
  }
})
