import type { Catalog } from '../catalog/index.ts'
import { isRise, storedPrice, type StoredPrice } from './price-terms.ts'
import type { Queryable } from './statement.ts'

/** A price row that cannot be published; what was published before stands as it was. */
export class PriceRefused extends Error {
  override readonly name = 'PriceRefused'
}

const NOTICE_MS = 24 * 3_600_000

/**
 * Brings the catalog's price rows into the database, where admission checks them and receipts find them later.
 * A row is valid until the next `from` of its model; rows gone from the catalog end now.
 *
 * @throws PriceRefused when a row already published has other terms in the catalog, or when a dearer row begins
 * within 24 hours: a rise is announced, a cut may begin at once
 */
export async function loadPrices(database: Queryable, catalog: Catalog): Promise<void> {
  const asked = catalog.models.flatMap((model) =>
    model.prices.map((price) => storedPrice(model, price)),
  )
  const { rows: published } = await database.query<StoredPrice>(
    'select id, model_id, valid_from, valid_until, terms from price',
  )
  const { rows } = await database.query<{ clock: Date }>('select ledger_clock() as clock')
  refuseEdited(asked, published)
  refuseSudden(asked, published, rows[0]!.clock)
  await database.query(
    `with asked as (select * from jsonb_to_recordset($1)
         as asked (id text, model_id text, valid_from timestamptz, valid_until timestamptz, terms jsonb)),
       ended as (update price set valid_until = ledger_clock()
         where (valid_until is null or valid_until > ledger_clock()) and id not in (select id from asked))
     insert into price (id, model_id, valid_from, valid_until, terms)
       select id, model_id, valid_from, valid_until, terms from asked
       on conflict (id) do update set valid_until = excluded.valid_until
         where price.valid_until is distinct from excluded.valid_until`,
    [JSON.stringify(asked)],
  )
}

function refuseEdited(asked: readonly StoredPrice[], published: readonly StoredPrice[]): void {
  const publishedById = new Map(published.map((price) => [price.id, price]))
  const edited = asked.filter((price) => {
    const before = publishedById.get(price.id)
    return before && (isOther(before, price) || +before.valid_from !== +price.valid_from)
  })
  if (edited.length === 0) return
  throw new PriceRefused(
    `price ${edited.map(({ id }) => id).join(', ')} was published with other terms: ` +
      'leave the published row as it is and add a row with a later "from"',
  )
}

const isOther = ({ terms: one }: StoredPrice, { terms: other }: StoredPrice): boolean =>
  one.window !== other.window || isRise(one, other) || isRise(other, one)

function refuseSudden(
  asked: readonly StoredPrice[],
  published: readonly StoredPrice[],
  clock: Date,
): void {
  const known = new Set(published.map(({ id }) => id))
  for (const price of asked.filter(({ id }) => !known.has(id))) {
    const before = predecessor(price, published)
    if (!before || !isRise(before.terms, price.terms)) continue
    const earliest = new Date(clock.getTime() + NOTICE_MS)
    if (price.valid_from >= earliest) continue
    throw new PriceRefused(
      `price ${price.id} is higher than ${before.id} and begins within 24 hours: ` +
        `a rise is announced a day ahead, so its "from" can be ${earliest.toISOString()} at the earliest`,
    )
  }
}

/** The published row that this one follows: of its window or, for a new window, of all hours. */
function predecessor(
  price: StoredPrice,
  published: readonly StoredPrice[],
): StoredPrice | undefined {
  const earlier = published
    .filter((one) => one.model_id === price.model_id && one.valid_from <= price.valid_from)
    .toSorted((one, other) => +other.valid_from - +one.valid_from)
  return (
    earlier.find(({ terms }) => terms.window === price.terms.window) ??
    earlier.find(({ terms }) => terms.window === null)
  )
}
