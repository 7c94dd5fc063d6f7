import { loadCatalog, type FamilyId, type Model } from '@smartoken/prisma/catalog'

/** Read once per build; all pages show this one. */
export const catalog = loadCatalog(import.meta.env.CATALOG_FOLDER)

/** When the pages were written: which prices are current is said as of this. */
export const asOf = new Date()

/** The models we sell, by family, in the catalog's order. */
export const sold: readonly Model[] = catalog.models.filter((model) => model.sold)

/** The families that have a model on sale, in the catalog's order. */
export const familiesSold: readonly FamilyId[] = [...new Set(sold.map(({ family }) => family))]
