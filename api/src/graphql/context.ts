import type { Services } from '../open-services.ts'

/** What every resolver is given. */
export interface ApiContext {
  readonly services: Services
  /** The signed-in account's id; absent when signed out. */
  readonly accountId: string | undefined
}

/** No account has it, so that "mine" matches nothing when signed out. */
const NOBODY = ''

/** Whose rows may be read: the filter of every look-up by id. */
export const ownerOf = (context: ApiContext): string => context.accountId ?? NOBODY
