import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../tests/support/database.ts'
import { loadCatalog, type Catalog, type PriceRow } from '../catalog/index.ts'
import { rate } from '../money.ts'
import { loadPrices, PriceRefused } from './load-prices.ts'

const catalog = loadCatalog()
const model = catalog.models.find(({ id }) => id === 'kimi-k3')!
let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

/** The catalog with only this model, at these prices. */
const priced = (prices: readonly PriceRow[]): Catalog => ({
  ...catalog,
  models: [{ ...model, prices }],
})

const later = (price: PriceRow, from: string): PriceRow => ({
  ...price,
  id: `${model.id}/${from}`,
  from: new Date(from),
})

const stored = async () =>
  (
    await database.pool.query<{ id: string; until: Date | null }>(
      'select id, valid_until as until from price where model_id = $1 order by valid_from',
      [model.id],
    )
  ).rows

test('every price row of the catalog is loaded, and loading again changes nothing', async () => {
  await loadPrices(database.pool, catalog)
  await loadPrices(database.pool, catalog)
  const { rows } = await database.pool.query<{ id: string }>('select id from price')
  const expected = catalog.models.flatMap(({ prices }) => prices.map(({ id }) => id))
  expect(rows.map(({ id }) => id).toSorted()).toEqual(expected.toSorted())
})

test('a row ends where the next one of its model begins', async () => {
  const [now] = model.prices
  await loadPrices(database.pool, priced([later(now!, '2099-01-01'), now!]))
  expect(await stored()).toEqual([
    { id: now!.id, until: new Date('2099-01-01') },
    { id: `${model.id}/2099-01-01`, until: null },
  ])
})

test('a row gone from the catalog ends at once', async () => {
  await loadPrices(database.pool, priced([later(model.prices[0]!, '2026-11-21')]))
  const [gone] = await stored()
  expect(gone!.until!.getTime()).toBeLessThanOrEqual(Date.now() + 1_000)
})

test('a published row with other terms is refused, and stays as it was', async () => {
  await loadPrices(database.pool, catalog)
  const [price] = model.prices
  const [tier] = price!.tiers
  const dearer = { ...price!, tiers: [{ ...tier!, rates: { ...tier!.rates, output: rate('99') } }] }
  await expect(loadPrices(database.pool, priced([dearer]))).rejects.toThrow(PriceRefused)
  const { rows } = await database.pool.query<{ output: string }>(
    `select terms #>> '{tiers,0,rates,output}' as output from price where id = $1`,
    [price!.id],
  )
  expect(rows).toEqual([{ output: String(tier!.rates.output) }])
})

/** The model's only price with this output rate, dollars per million, from an instant on. */
function priceOf(output: string, from: Date): PriceRow {
  const [price] = model.prices
  const [tier] = price!.tiers
  const rates = { ...tier!.rates, output: rate(output) }
  return { ...price!, id: `${model.id}/${from.toISOString()}`, from, tiers: [{ ...tier!, rates }] }
}

const hoursAhead = (hours: number): Date => new Date(Date.now() + hours * 3_600_000)

test.each([
  ['a rise in 25 hours', '99', 25, 'published', 2],
  ['a rise in 23 hours', '99', 23, 'announced a day ahead', 1],
  ['a cut at once', '0.01', -1, 'published', 2],
])('%s', async (_case, output, hours, expected, rowsAfter) => {
  const own = await createDatabase()
  await loadPrices(own.pool, priced(model.prices))
  const added = priceOf(output, hoursAhead(hours))
  const outcome = await loadPrices(own.pool, priced([added, ...model.prices])).then(
    () => 'published',
    (error: Error) => error.message,
  )
  const { rows } = await own.pool.query('select id from price')
  await own.drop()
  expect(outcome).toContain(expected)
  expect(rows).toHaveLength(rowsAfter)
})
