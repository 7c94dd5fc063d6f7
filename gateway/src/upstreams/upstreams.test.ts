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
  const upstreams = openUpstreams(providers, () => ({ apiKeys: ['k'], baseUrl, concurrency: 1 }))
  expect(upstreams.get('one')).toMatchObject([{ path, authorization: 'Bearer k', sandbox: false }])
  await closeUpstreams(upstreams)
})

test('a provider without a key is the sandbox’s where there is one, and none where there is not', async () => {
  const configurationOf = ({ id }: Provider) => ({
    apiKeys: id === 'one' ? ['k', 'l'] : [],
    baseUrl: 'https://one.example/v1',
    concurrency: 1,
  })
  for (const sandboxUrl of [undefined, 'http://127.0.0.1:9/v1']) {
    const upstreams = openUpstreams(providers, configurationOf, sandboxUrl)
    expect(upstreams.get('one')).toMatchObject([
      { id: 'one#1', authorization: 'Bearer k', sandbox: false },
      { id: 'one#2', authorization: 'Bearer l', sandbox: false },
    ])
    expect(upstreams.get('two')?.map(({ id, sandbox }) => [id, sandbox])).toEqual(
      sandboxUrl && [['two#1', true]],
    )
    await closeUpstreams(upstreams)
  }
})
