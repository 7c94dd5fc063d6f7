import OpenAI, { NotFoundError } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
let openai: OpenAI

beforeAll(async () => {
  gateway = await startGateway()
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.secret })
})
afterAll(() => gateway.close())

test('openai lists every model sold', async () => {
  const { data: listed } = await openai.models.list()
  const sold = gateway.services.catalog.models.filter((model) => model.sold)
  expect(listed.map(({ id }) => id).toSorted()).toEqual(sold.map(({ id }) => id).toSorted())
  for (const model of listed) {
    expect(model).toMatchObject({
      object: 'model',
      created: expect.any(Number),
      owned_by: expect.any(String),
    })
  }
})

test('openai retrieves a model, and by an alias with a slash in it', async () => {
  const model = await openai.models.retrieve('deepseek-chat')
  expect(model).toMatchObject({ id: 'deepseek-chat', object: 'model', owned_by: 'deepseek' })
  expect(await openai.models.retrieve('deepseek/deepseek-chat')).toEqual(model)
})

test('openai tells of a model that does not exist, with the nearest', async () => {
  const [outcome] = await Promise.allSettled([openai.models.retrieve('deepseek-chatt')])
  expect(outcome).toMatchObject({ status: 'rejected' })
  const { reason } = outcome as PromiseRejectedResult
  expect(reason).toBeInstanceOf(NotFoundError)
  expect(reason).toMatchObject({
    status: 404,
    code: 'model_not_found',
    message: expect.stringContaining('deepseek-chat'),
  })
})
