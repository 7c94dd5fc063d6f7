import { nanoUsd, type NanoUsd } from '@smartoken/prisma/money'
import { builder } from '../builder.ts'
import type { Services } from '../open-services.ts'

/** Amounts in nUSD. */
export interface WalletState {
  readonly accountId: string
  readonly posted: NanoUsd
  readonly held: NanoUsd
  readonly paid: NanoUsd
  readonly promo: NanoUsd
}

/** In one statement, so that the amounts agree with each other. A new account has no wallet row: it has nothing. */
export async function readWallet(
  prisma: Services['prisma'],
  accountId: string,
): Promise<WalletState> {
  const [row] = await prisma.$queryRaw<Record<'posted' | 'held' | 'paid' | 'promo', bigint>[]>`
    select coalesce(max(wallet.posted), 0)::bigint as posted, coalesce(max(wallet.held), 0)::bigint as held,
      coalesce(sum(lot.remaining) filter (where lot.origin = 'paid'), 0)::bigint as paid,
      coalesce(sum(lot.remaining) filter (where lot.origin = 'promo'), 0)::bigint as promo
    from wallet left join lot on lot.account_id = wallet.account_id and not lot.empty
    where wallet.account_id = ${accountId}`
  const { posted, held, paid, promo } = row!
  return {
    accountId,
    posted: nanoUsd(posted),
    held: nanoUsd(held),
    paid: nanoUsd(paid),
    promo: nanoUsd(promo),
  }
}

export const Wallet = builder.objectRef<WalletState>('Wallet').implement({
  description:
    'The money of an account. `posted` is `held` and `available` together, and `paid` and `promo` together.',
  authScopes: (wallet) => ({ owner: wallet.accountId }),
  fields: (t) => ({
    posted: t.expose('posted', { type: 'Usd', description: 'All there is.' }),
    held: t.expose('held', {
      type: 'Usd',
      description: 'Set aside for requests that are running now.',
    }),
    available: t.field({
      type: 'Usd',
      description: 'What new requests can use.',
      resolve: ({ posted, held }) => nanoUsd(posted - held),
    }),
    paid: t.expose('paid', {
      type: 'Usd',
      description: 'The part that was paid in. Spent after promo.',
    }),
    promo: t.expose('promo', { type: 'Usd', description: 'The part that was given. Spent first.' }),
  }),
})
