import { expect, test } from 'vitest'
import { loadCatalog, margins, pricesLiveAt, quote } from './index.ts'

/** The files we ship, beside what we say of them in prisma/decisions/0001-catalog-and-prices.md. */
const catalog = loadCatalog()
const NOW = new Date('2026-11-23T20:00:00Z')

test.each([
  ['deepseek-chat', 'deepseek', 'deepseek-flash', { thinking: { type: 'disabled' } }],
  ['kimi-k2', 'moonshot', 'kimi-k2.6', { thinking: { type: 'disabled' } }],
  ['qwen-plus', 'dashscope', 'qwen-plus', {}],
])('%s, which the FAQ names, is sold', (id, provider, upstreamModel, parameters) => {
  const model = catalog.models.find((model) => model.id === id)
  expect(model).toMatchObject({ sold: true, routes: [{ provider, upstreamModel, parameters }] })
})

test('every family is sold', () => {
  expect(new Set(catalog.models.filter(({ sold }) => sold).map(({ family }) => family))).toEqual(
    new Set(['deepseek', 'qwen', 'kimi', 'glm', 'doubao', 'minimax']),
  )
})

test.each(catalog.models.map((model) => [model.id, model] as const))(
  'every price of %s is a tenth above its cost, rounded up to four places',
  (_id, model) => {
    const found = margins(catalog, model)
    expect(found.length).toBeGreaterThan(0)
    // A thousand is one in the fourth place, times ten. A cost in yuan was itself rounded up.
    const off = found.filter(
      ({ price, cost }) => price * 10n < cost * 11n || price * 10n >= cost * 11n + 1000n,
    )
    expect(off).toEqual([])
  },
)

test('DeepSeek costs twice as much at its peak, which begins and ends by the clock of Shanghai', () => {
  const model = catalog.models.find(({ id }) => id === 'deepseek-flash')!
  const [base, peak] = pricesLiveAt(model, NOW)
  expect(base?.window).toBeUndefined()
  expect(peak?.window).toBe('deepseek-peak')
  expect(peak?.tiers[0]?.rates.output).toBe(2n * (base?.tiers[0]?.rates.output ?? 0n))
  expect(quote(catalog, model, NOW)).toEqual({
    price: base,
    from: new Date('2026-11-23T10:00:00Z'),
    until: new Date('2026-11-24T01:00:00Z'),
  })
})

test('an alias that meant another model says so', () => {
  const silent = catalog.models.flatMap(({ aliases }) => aliases.filter(({ note }) => !note))
  const retired = /deepseek-chat|deepseek-r1|v3|kimi-k2(-|$)|kimi-latest|K2-Instruct|v4-flash/i
  expect(silent.filter(({ id }) => retired.test(id))).toEqual([])
})
