import { newId } from '@smartoken/prisma/ids'
import { newSecret, type NewSecret } from '@smartoken/prisma/keys'
import { z } from 'zod'
import { builder } from '../builder.ts'
import { ownerOf } from '../graphql/context.ts'
import { expectedError, notFound } from '../graphql/errors.ts'
import type { Services } from '../open-services.ts'

const MAX_NAME_LENGTH = 60
const MAX_KEYS_IN_USE = 50

export const ApiKey = builder.prismaNode('ApiKey', {
  description:
    'Opens the gateway for its account. The secret itself is not kept: it is shown once, when made.',
  id: { field: 'id' },
  nullable: true,
  select: { id: true, accountId: true },
  findUnique: (id, context) => ({ id, accountId: ownerOf(context) }),
  authScopes: (apiKey) => ({ owner: apiKey.accountId }),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What its owner calls it.' }),
    hint: t.exposeString('hint', { description: 'Enough of the secret to tell it from others.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it last opened a request; null if it never did.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it is in use.',
    }),
  }),
})

// Control characters would let a name forge lines where keys are listed, and PostgreSQL refuses NUL.
const keyName = z
  .string()
  .trim()
  .min(1, 'name: give the key a name')
  .max(MAX_NAME_LENGTH, `name: at most ${MAX_NAME_LENGTH} characters`)
  .regex(/^\P{C}*$/u, 'name: no control characters')

builder.relayMutationField(
  'createApiKey',
  {
    description: 'What `createApiKey` takes.',
    inputFields: (t) => ({
      name: t.string({ required: true, description: '1 to 60 characters.' }).validate(keyName),
    }),
  },
  {
    description: `Makes an API key. An account can have ${MAX_KEYS_IN_USE} in use: one more is LIMIT_REACHED.`,
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => {
      const secret = newSecret()
      const id = await insertApiKey(context.services.prisma, ownerOf(context), input.name, secret)
      return { id, secret: secret.secret }
    },
  },
  {
    description: 'The new API key.',
    outputFields: (t) => ({
      apiKey: t.prismaField({
        type: ApiKey,
        description: 'The key.',
        resolve: (query, { id }, _args, { services }) =>
          services.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id } }),
      }),
      secret: t.exposeString('secret', { description: 'Shown here and never again: keep it now.' }),
    }),
  },
)

builder.relayMutationField(
  'revokeApiKey',
  {
    description: 'What `revokeApiKey` takes.',
    inputFields: (t) => ({ id: t.globalID({ required: true, description: 'Of the key.' }) }),
  },
  {
    description:
      'Ends an API key for good, from the next request on. Doing it twice is doing it once.',
    authScopes: { signedIn: true },
    resolve: async (_root, { input }, context) => {
      await markRevoked(context.services.prisma, ownerOf(context), input.id.id)
      return { id: input.id.id }
    },
  },
  {
    description: 'The revoked API key.',
    outputFields: (t) => ({
      apiKey: t.prismaField({
        type: ApiKey,
        description: 'The key.',
        resolve: (query, { id }, _args, { services }) =>
          services.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id } }),
      }),
      account: t.prismaField({
        type: 'Account',
        description: 'Its account, to read the keys again.',
        resolve: (query, _payload, _args, context) =>
          context.services.prisma.account.findUniqueOrThrow({
            ...query,
            where: { id: ownerOf(context) },
          }),
      }),
    }),
  },
)

/** Under the lock of the account's row, so that two at once cannot both be the last. Returns the key's id. */
function insertApiKey(
  prisma: Services['prisma'],
  accountId: string,
  name: string,
  { hash, hint }: NewSecret,
): Promise<string> {
  return prisma.$transaction(async (transaction) => {
    await transaction.$queryRaw`select id from account where id = ${accountId} for no key update`
    const inUse = await transaction.apiKey.count({ where: { accountId, revokedAt: null } })
    if (inUse >= MAX_KEYS_IN_USE) {
      throw expectedError(
        'LIMIT_REACHED',
        `You have ${MAX_KEYS_IN_USE} keys in use, the most possible. Revoke one first.`,
      )
    }
    const id = newId('apiKey')
    await transaction.apiKey.create({
      data: { id, accountId, name, hint, secretHash: new Uint8Array(hash) },
      select: { id: true },
    })
    return id
  })
}

/** By the database's clock, the only one; the first time stands. @throws NOT_FOUND for an unknown or foreign id */
async function markRevoked(
  prisma: Services['prisma'],
  accountId: string,
  id: string,
): Promise<void> {
  const revoked = await prisma.$executeRaw`
    update api_key set revoked_at = coalesce(revoked_at, now()) where id = ${id} and account_id = ${accountId}`
  if (revoked === 0) throw notFound()
}
