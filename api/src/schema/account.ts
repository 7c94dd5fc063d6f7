import { builder } from '../builder.ts'
import { ownerOf } from '../graphql/context.ts'
import { readWallet, Wallet } from './wallet.ts'

/** More than an account can have in use, so that none in use is ever left out. */
const API_KEYS_LISTED = 100

builder.prismaNode('Account', {
  description: 'A customer.',
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  findUnique: (id, context) => ({ id, AND: { id: ownerOf(context) } }),
  authScopes: (account) => ({ owner: account.id }),
  fields: (t) => ({
    email: t.exposeString('email', {
      description: 'As the identity provider gave it at the last sign-in.',
    }),
    name: t.exposeString('name', {
      description: 'As the identity provider gave it at the last sign-in.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'The first sign-in.' }),
    wallet: t.field({
      type: Wallet,
      description: 'The money.',
      resolve: (account, _args, { services }) => readWallet(services.prisma, account.id),
    }),
    apiKeys: t.relation('apiKeys', {
      description: 'Keys in use, newest first, then revoked ones, newest first; at most 100.',
      query: {
        orderBy: [{ revokedAt: { sort: 'desc', nulls: 'first' } }, { id: 'desc' }],
        take: API_KEYS_LISTED,
      },
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.prismaField({
    type: 'Account',
    nullable: true,
    description: 'The account that is signed in; null when signed out.',
    resolve: (query, _root, _args, { services, accountId }) =>
      accountId === undefined
        ? null
        : services.prisma.account.findUnique({ ...query, where: { id: accountId } }),
  }),
)
