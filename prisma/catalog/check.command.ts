import { formatRate } from '../money.ts'
import { CatalogError, loadCatalog, margins } from './index.ts'

/** `node prisma/catalog/check.command.ts`: every problem of the catalog, or what each model leaves us. */
try {
  printMargins()
} catch (error) {
  if (!(error instanceof CatalogError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

/** One line a model: its narrowest margin over all conditions and where that is. */
function printMargins(): void {
  const catalog = loadCatalog()
  for (const model of catalog.models) {
    const [narrowest] = margins(catalog, model).toSorted((left, right) =>
      Number(left.price * right.cost - right.price * left.cost),
    )
    if (!narrowest) continue
    const { price, cost, field, route } = narrowest
    const share = cost === 0n ? 'all' : `${formatShare(((price - cost) * 1000n) / cost)} %`
    console.log(
      `${model.id.padEnd(24)} ${share.padStart(7)}  ${field}: $${formatRate(price)} over $${formatRate(cost)} at ${route}`,
    )
  }
  console.log(`${catalog.models.length} models, digest ${catalog.digest}`)
}

/** 105 tenths of a percent → `10.5`. */
function formatShare(tenths: bigint): string {
  return `${tenths / 10n}.${tenths % 10n}`
}
