import { assert, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nanoUsd, usd } from '../money.ts'
import { findReceipt, receiptOf, recompute, type Receipt, type SettledRequest } from './index.ts'
import { anyReceipt, catalog } from './receipt.fixture.ts'

const model = catalog.models.find(({ id }) => id === 'deepseek-v4-pro')!
const peak = model.prices.find(({ window }) => window === 'deepseek-peak')!
const nothing = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, thinkingOutput: 0 }

/** A request in DeepSeek's peak hours: 900 × $1.452 + 100 × $0.0484 + 50 × $4.356 per million. */
const settled: SettledRequest = {
  id: 'req_00A',
  endpoint: '/v1/chat/completions',
  modelId: model.id,
  modelAsked: 'deepseek/deepseek-v4-pro',
  stream: true,
  openedAt: new Date('2026-11-23T02:00:00Z'),
  finishedAt: new Date('2026-11-23T02:00:09Z'),
  outcome: 'completed',
  status: 200,
  route: 'deepseek/deepseek-v4-pro',
  usage: { ...nothing, input: 900, cachedInput: 100, output: 50 },
  usageSource: 'provider',
  usageFlag: undefined,
  countedVersion: undefined,
  promptBytes: 4_000,
  answerBytes: 200,
  maxTokensSent: 1_000,
  held: usd('0.02'),
  charge: nanoUsd(1_529_440n),
  shortfall: usd('0'),
  excused: usd('0'),
  refunded: usd('0'),
  provisional: false,
}

const receipt = (over: Partial<SettledRequest> = {}): Receipt =>
  receiptOf(catalog, { ...settled, ...over }, peak)

describe('a receipt', () => {
  test('of a model that has left the catalog is one, if it was counted, too', () => {
    const gone = receipt({ modelId: 'gone', usageSource: 'counted', countedVersion: 1 })
    expect(gone).toMatchObject({ model: 'gone', counted: null, price: { source: { page: null } } })
    expect(recompute(gone).differences).toEqual([])
    // With a page, it would have to say what by.
    const { price } = receipt()
    expect(recompute({ ...gone, price }).differences).toEqual([
      expect.stringContaining('usage_source'),
    ])
  })

  test('says all of why a request cost what it did', () => {
    expect(receipt()).toMatchObject({
      object: 'receipt',
      version: 1,
      request_id: 'req_00A',
      model: 'deepseek-v4-pro',
      model_asked: 'deepseek/deepseek-v4-pro',
      charge_usd: '0.00152944',
      price: {
        id: 'deepseek-v4-pro/2026-11-20/deepseek-peak',
        valid_from: '2026-11-20T00:00:00.000Z',
        window: {
          rule: 'DeepSeek peak hours: Monday to Friday, 09:00–12:00 and 14:00–18:00 Asia/Shanghai (UTC+08:00), except on holidays.',
          zone: 'Asia/Shanghai',
          weekdays: [1, 2, 3, 4, 5],
          hours: [
            { from: '09:00', until: '12:00' },
            { from: '14:00', until: '18:00' },
          ],
          except: expect.arrayContaining(['2026-10-01']),
        },
        tiers: [{ prompt_tokens_up_to: null, input: '1.452', cached_input: '0.0484' }],
        tier: 0,
        source: {
          page: '/models/deepseek-v4-pro',
          catalog: catalog.digest,
          list_price: {
            url: 'https://api-docs.deepseek.com/quick_start/pricing/',
            read: '2026-10-27',
          },
        },
      },
      usage: { input: 900, cached_input: 100, cache_write: 0, output: 50, thinking_output: 0 },
      usage_source: 'provider',
      usage_flag: null,
      counted: null,
      hold: { amount_usd: '0.02' },
      settle: { due_usd: '0.00152944', excused_usd: '0.00', shortfall_usd: '0.00' },
    })
  })

  test('names what counted usage was made of', () => {
    const usage = { ...nothing, input: 720, output: 36 }
    const counted = receipt({
      outcome: 'client_left',
      usage,
      usageSource: 'counted',
      countedVersion: 1,
      charge: nanoUsd(1_202_256n),
    })
    expect(counted.counted).toEqual({
      version: 1,
      family: 'deepseek',
      tokens_per_kilobyte: 180,
      prompt_bytes: 4_000,
      answer_bytes: 200,
      limit: 1_000,
    })
    expect(recompute(counted)).toMatchObject({ usage, charge: 1_202_256n, differences: [] })
  })

  test('of no route has no list price', () => {
    expect(receipt({ route: undefined }).price.source.list_price).toBeNull()
  })

  test('of a tiered price says which tier, and by how many tokens', () => {
    const tiered = catalog.models
      .flatMap(({ prices }) => prices)
      .find(({ tiers }) => tiers.length > 1)!
    const upTo = tiered.tiers[0]!.upTo!
    const of = (input: number) =>
      receiptOf(catalog, { ...settled, usage: { ...nothing, input } }, tiered).price
    expect(of(upTo)).toMatchObject({
      tier: 0,
      tier_because: `The prompt has ${upTo} tokens, no more than ${upTo}.`,
    })
    expect(of(upTo + 1).tier).toBe(1)
    const last = tiered.tiers.at(-2)!.upTo!
    expect(of(last + 1).tier_because).toBe(`The prompt has ${last + 1} tokens, more than ${last}.`)
  })
})

describe('recomputed', () => {
  test('any receipt gives its charge to the nano-dollar, also after a round trip through JSON', () => {
    assert(
      property(anyReceipt, ({ receipt, charge }) => {
        const found = recompute(JSON.parse(JSON.stringify(receipt)))
        expect(found.receipt).toEqual(receipt)
        expect(found.differences).toEqual([])
        expect(found.charge).toBe(charge)
      }),
      { numRuns: 20_000 },
    )
  })

  const edited = (
    change: (draft: { -readonly [Name in keyof Receipt]: Receipt[Name] }) => void,
  ) => {
    const draft = structuredClone(receipt())
    change(draft)
    return recompute(draft).differences
  }

  test.each<[string, Parameters<typeof edited>[0], string]>([
    [
      'charge, by a nano-dollar',
      (draft) => (draft.charge_usd = '0.001529441'),
      'charge_usd is 0.001529441',
    ],
    ['due', (draft) => (draft.settle.due_usd = '0.01'), 'due_usd is 0.01'],
    ['rate', (draft) => (draft.price.tiers[0]!.output = '4.357'), 'due_usd is 0.00152944'],
    ['token', (draft) => (draft.usage.output = 51), 'due_usd is 0.00152944'],
    ['tier', (draft) => (draft.price.tier = 1), 'tier is 1'],
    ['source', (draft) => (draft.usage_source = 'counted'), 'usage_source'],
    ['lack of usage', (draft) => (draft.usage_source = 'none'), 'usage_source is none'],
    ['excuse', (draft) => (draft.settle.excused_usd = '0.001'), 'nothing is excused for completed'],
    ['refund', (draft) => (draft.settle.refunded_usd = '0.01'), 'more than was charged'],
    [
      'count',
      (draft) => {
        draft.usage_source = 'counted'
        draft.counted = {
          version: 1,
          family: 'deepseek',
          tokens_per_kilobyte: 181,
          prompt_bytes: 4_000,
          answer_bytes: 200,
          limit: 10,
        }
      },
      'counted.tokens_per_kilobyte is 181, worked out anew it is 180',
    ],
  ])('a wrong %s is told', (_what, change, expected) => {
    expect(edited(change).join('\n')).toContain(expected)
  })

  test('an untouched one has nothing to tell', () => {
    expect(edited(() => {})).toEqual([])
  })

  test.each([
    ['nothing', undefined, /^This is not a receipt\. it: /],
    ['a number', 5, /^This is not a receipt/],
    ['another version', { ...receipt(), version: 2 }, /version: /],
    ['money as a number', { ...receipt(), charge_usd: 0.1 }, /charge_usd: /],
    ['money below zero', { ...receipt(), charge_usd: '-0.10' }, /charge_usd: is not dollars/],
    ['an unknown outcome', { ...receipt(), outcome: 'gone' }, /outcome: /],
    [
      'tokens past what a number counts',
      { ...receipt(), usage: { ...receipt().usage, input: 2 ** 53 } },
      /usage\.input: /,
    ],
    [
      'tokens as 1e308',
      { ...receipt(), usage: { ...receipt().usage, input: 1e308 } },
      /usage\.input: /,
    ],
    ['no tiers', { ...receipt(), price: { ...receipt().price, tiers: [] } }, /price\.tiers: /],
  ])('%s is refused by name', (_what, value, expected) => {
    expect(() => recompute(value)).toThrow(expected)
  })

  test('counted by parameters that were never published is refused', () => {
    const counted = {
      version: 99,
      family: 'qwen',
      tokens_per_kilobyte: 1,
      prompt_bytes: 1,
      answer_bytes: 1,
      limit: 1,
    }
    expect(() => recompute({ ...receipt(), counted })).toThrow('no version 99')
  })
})

describe('a receipt is found in', () => {
  const json = JSON.stringify(receipt())
  test.each([
    ['its JSON', json],
    ['JSON over many lines', JSON.stringify(receipt(), null, 2)],
    ['a stream', `data: {"choices":[]}\n\n: receipt ${json}\n\ndata: [DONE]\n\n`],
    [
      'an answer with its headers',
      `HTTP/1.1 200 OK\r\n\r\ndata: {}\r\n\r\n: receipt ${json}\r\n\r\ndata: [DONE]\r\n`,
    ],
    [
      'an answer that says receipt itself',
      `data: {"content":": receipt {}"}\n\n: receipt ${json}\n\n`,
    ],
  ])('%s', (_where, text) => {
    expect(findReceipt(text)).toEqual(receipt())
  })

  test.each([
    ['', 'There is no receipt in this. Give the JSON of'],
    ['data: {"choices":[]}\n\ndata: [DONE]\n\n', 'There is no receipt in this'],
    [': receipt {"broken\n\n', 'There is no receipt in this'],
    ['{"error":{"message":"Not found.","code":"x"}}', 'This is an error, no receipt: Not found.'],
  ])('but not in %j', (text, expected) => {
    expect(() => findReceipt(text)).toThrow(expected)
  })
})
