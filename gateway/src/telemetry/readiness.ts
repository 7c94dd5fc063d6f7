import type { OpenLedger } from '../ledger/open-ledger.ts'

/** What keeps a process from taking requests. */
export type NotReady = 'database' | 'lease' | 'draining'

/** Tells what keeps a process from taking requests; nothing where it is ready for them. `closing`: it is to stop. */
export const readinessOf =
  (
    { contact, lease }: Pick<OpenLedger, 'contact' | 'lease'>,
    closing: { readonly given: boolean },
  ) =>
  (): readonly NotReady[] => [
    ...(contact.isThere ? [] : (['database'] as const)),
    ...(lease.isHeld ? [] : (['lease'] as const)),
    ...(closing.given ? (['draining'] as const) : []),
  ]
