import type { Catalog } from '@smartoken/prisma/catalog'
import { providerKey } from './canary/canaries.ts'

/** The variables that put every provider of a catalog at one address; none where there is no address. */
export function providersAt(catalog: Catalog, url: string | undefined): NodeJS.ProcessEnv {
  if (!url) return {}
  const variables = [...catalog.providers.values()].flatMap(({ env }) => [
    [`${env}_API_KEY`, providerKey('upstream')],
    [`${env}_BASE_URL`, url],
  ])
  return Object.fromEntries(variables) as NodeJS.ProcessEnv
}
