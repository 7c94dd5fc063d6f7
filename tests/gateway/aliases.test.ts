import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, saying } from '../support/chat.ts'
import { errorOf } from '../support/error.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ balance: '1000' })
})
afterAll(() => gateway.close())

async function ask(model: string, over: object = {}) {
  const answer = await chat(gateway, saying('hi', { model, max_tokens: 16, ...over }))
  return { answer, text: await answer.text(), alias: answer.headers.get('x-smartoken-alias') }
}

/** What marketplaces and model hubs call the models we sell, and which of ours answers. */
const elsewhere = {
  'deepseek-chat': [
    'deepseek/deepseek-chat',
    'deepseek/deepseek-chat-v3-0324',
    'deepseek/deepseek-chat-v3.1',
    'deepseek/deepseek-v3.1-terminus',
    'deepseek/deepseek-v3.2',
    'deepseek-ai/DeepSeek-V3',
    'deepseek-ai/DeepSeek-V3-0324',
    'deepseek-ai/deepseek-v3.2',
  ],
  'deepseek-reasoner': [
    'deepseek/deepseek-r1',
    'deepseek/deepseek-r1-0528',
    'deepseek-ai/DeepSeek-R1',
    'deepseek-ai/DeepSeek-R1-0528',
  ],
  'deepseek-flash': [
    'deepseek/deepseek-v4-flash',
    'deepseek/deepseek-v4-flash-0731',
    'deepseek-ai/DeepSeek-V4-Flash',
    'deepseek-v4-flash',
  ],
  'deepseek-v4-pro': [
    'deepseek/deepseek-v4-pro',
    'deepseek/deepseek-v4-pro-0813',
    'deepseek-ai/DeepSeek-V4-Pro',
  ],
  'qwen-plus': ['qwen/qwen-plus', 'qwen/qwen-plus-2025-07-28', 'qwen-plus-latest'],
  'qwen-max': ['qwen/qwen-max'],
  'qwen-flash': ['qwen/qwen-flash'],
  'qwen3-max': ['qwen/qwen3-max'],
  'qwen3-coder-plus': ['qwen/qwen3-coder-plus', 'Qwen/Qwen3-Coder-Plus'],
  'qwen3-coder-flash': ['qwen/qwen3-coder-flash'],
  'qwen3-vl-plus': ['qwen/qwen3-vl-plus'],
  'qwen3.6-plus': ['qwen/qwen3.6-plus', 'qwen/qwen3.6-plus-04-02'],
  'qwen3.7-max': ['qwen/qwen3.7-max', 'qwen/qwen3.7-max-20260520'],
  'kimi-k2': [
    'moonshotai/kimi-k2',
    'moonshotai/kimi-k2-0905',
    'moonshotai/kimi-k2-0905:exacto',
    'moonshotai/Kimi-K2-Instruct',
    'moonshotai/Kimi-K2-Instruct-0905',
    'kimi-k2-0711-preview',
    'kimi-k2-turbo-preview',
  ],
  'kimi-k2.6': [
    'moonshotai/kimi-k2.6',
    'moonshotai/Kimi-K2.6',
    'moonshotai/kimi-k2.5',
    'kimi/kimi-k2.6',
    'moonshotai/kimi-k2-thinking',
  ],
  'kimi-k2.7-code': ['moonshotai/kimi-k2.7-code', 'moonshotai/kimi-k2.7-code-20260612'],
  'kimi-k3': ['moonshotai/kimi-k3', 'moonshotai/Kimi-K3', 'moonshotai/kimi-k3-20260715'],
  'glm-4.5-air': ['z-ai/glm-4.5-air', 'zai-org/GLM-4.5-Air', 'GLM-4.5-Air'],
  'glm-4.6': ['z-ai/glm-4.6', 'z-ai/glm-4.6:exacto', 'zai-org/GLM-4.6'],
  'glm-4.6v': ['z-ai/glm-4.6v', 'zai-org/GLM-4.6V'],
  'glm-4.7': ['z-ai/glm-4.7', 'zai-org/GLM-4.7'],
  'glm-5.1': ['z-ai/glm-5.1', 'z-ai/glm-5.1-20260406', 'zai-org/GLM-5.1'],
  'glm-5.2': ['z-ai/glm-5.2', 'z-ai/glm-5.2-20260616', 'zai-org/GLM-5.2', 'z-ai/glm-5.2:nitro'],
  'glm-5.3': ['z-ai/glm-5.3', 'z-ai/glm-5.3-20260816', 'GLM-5.3'],
  'doubao-seed-1.6': ['bytedance-seed/seed-1.6', 'bytedance/doubao-seed-1.6'],
  'doubao-seed-1.6-flash': ['bytedance-seed/seed-1.6-flash'],
  'doubao-seed-2.1-pro': ['doubao-seed-2-1-pro-260628'],
  'doubao-seed-2.1-turbo': ['bytedance-seed/seed-2-1-turbo', 'doubao-seed-2-1-turbo-260628'],
  'minimax-m2': ['minimax/minimax-m2', 'MiniMaxAI/MiniMax-M2', 'minimax/minimax-m2:floor'],
  'minimax-m2.7': [
    'minimax/minimax-m2.7',
    'MiniMaxAI/MiniMax-M2.7',
    'minimax/minimax-m2.7-20260318',
  ],
  'minimax-m3': ['minimax/minimax-m3', 'MiniMaxAI/Minimax-M3', 'minimax/minimax-m3-20260531'],
}

describe('an id', () => {
  test('of every model sold is known by what others call it', () => {
    const sold = gateway.services.catalog.models.filter(({ sold }) => sold).map(({ id }) => id)
    expect(Object.keys(elsewhere).toSorted()).toEqual(sold.toSorted())
  })

  test.each(Object.entries(elsewhere))('%s answers to %j', async (id, names) => {
    for (const name of names) {
      const { answer, alias } = await ask(name)
      expect([name, answer.status]).toEqual([name, 200])
      expect(await gateway.requestRow(answer.headers.get('x-request-id')!)).toMatchObject({
        model_id: id,
        model_asked: name,
      })
      const [served, note] = (alias ?? `${id}: -`).split(': ', 2)
      expect([name, served, note]).toEqual([name, id, expect.stringMatching(/^[ -~]+$/)])
    }
  })

  test('of the catalog’s aliases tells in a header what its note says, plain and streamed', async () => {
    const aliases = gateway.services.catalog.models
      .filter(({ sold }) => sold)
      .flatMap(({ id, aliases }) => aliases.map((alias) => ({ ...alias, model: id })))
    expect(aliases.length).toBeGreaterThan(50)
    for (const { model, id, note } of aliases) {
      for (const stream of [false, true]) {
        const told = (await ask(id, { stream })).alias
        expect([id, told]).toEqual([id, note ? `${model}: ${note}` : null])
      }
    }
  }, 60_000)

  test('of our own tells nothing', async () => {
    expect((await ask('DeepSeek-Chat')).alias).toBeNull()
  })

  test.each([
    ['moonshotai/kimi-k2.6:free', 'kimi-k2.6'],
    ['qwen/qwen-plus:online', 'qwen-plus'],
    ['z-ai/glm-5.2:batch', 'glm-5.2'],
    ['qwen/qwen3-max:thinking', 'qwen3-max'],
  ])(
    'of what we do not sell is refused, and not served as something else: %s',
    async (id, near) => {
      const error = await errorOf(await chat(gateway, saying('hi', { model: id })))
      expect(error).toMatchObject({
        status: 404,
        code: 'model_not_found',
        message: expect.stringContaining('no such variants'),
      })
      expect((error['nearest'] as string[])[0]).toBe(near)
    },
  )

  test.each(['gpt-5', 'claude-opus-4.1', 'x'.repeat(200), 'vendor/', ':nitro', 'моdel'])(
    'of nothing is answered with the three nearest: %s',
    async (id) => {
      const error = await errorOf(await chat(gateway, saying('hi', { model: id })))
      expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
      expect(error['nearest']).toHaveLength(3)
    },
  )
})
