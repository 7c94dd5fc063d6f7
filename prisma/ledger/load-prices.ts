import type { Catalog, Model, PriceRow } from '../catalog/index.ts'
import type { Queryable } from './statement.ts'

/** A published price row differs in the catalog: prices are added, never edited. */
export class PriceEdited extends Error {
  override readonly name = 'PriceEdited'
}

/**
 * Brings the catalog's price rows into the database, where admission checks them and receipts find
 * them later. A row is valid until the next `from` of its model; rows gone from the catalog end now.
 *
 * @throws PriceEdited when a row already published has other terms in the catalog.
 */
export async function loadPrices(database: Queryable, catalog: Catalog): Promise<void> {
  const rows = catalog.models.flatMap((model) =>
    model.prices.map((price) => priceRow(model, price)),
  )
  const asked = JSON.stringify(rows)
  await refuseEdited(database, asked)
  await database.query(
    `with asked as (select * from ${ASKED}), ended as (
       update price set valid_until = ledger_clock()
       where (valid_until is null or valid_until > ledger_clock()) and id not in (select id from asked))
     insert into price (id, model_id, valid_from, valid_until, terms)
       select id, model_id, valid_from, valid_until, terms from asked
       on conflict (id) do update set valid_until = excluded.valid_until
         where price.valid_until is distinct from excluded.valid_until`,
    [asked],
  )
}

const ASKED =
  'jsonb_to_recordset($1) as asked (id text, model_id text, valid_from timestamptz, valid_until timestamptz, terms jsonb)'

async function refuseEdited(database: Queryable, asked: string): Promise<void> {
  const { rows } = await database.query<{ id: string }>(
    `select id from ${ASKED} join price using (id)
     where price.terms <> asked.terms or price.valid_from <> asked.valid_from`,
    [asked],
  )
  if (rows.length === 0) return
  throw new PriceEdited(
    `price ${rows.map(({ id }) => id).join(', ')} was published with other terms: ` +
      'leave the published row as it is and add a row with a later "from"',
  )
}

function priceRow(model: Model, price: PriceRow) {
  const later = model.prices.filter((other) => other.from > price.from).map((other) => other.from)
  return {
    id: price.id,
    model_id: model.id,
    valid_from: price.from,
    valid_until: later.toSorted((one, other) => Number(one) - Number(other))[0] ?? null,
    terms: {
      window: price.window ?? null,
      tiers: price.tiers.map(({ upTo, rates }) => ({
        up_to: upTo ?? null,
        ...Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, String(rate)])),
      })),
    },
  }
}
