import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import ValidationPlugin from '@pothos/plugin-validation'
import type { NanoUsd } from '@smartoken/prisma/money'
import { getDatamodel, type default as PrismaTypes } from '@smartoken/prisma/pothos'
import { z } from 'zod'
import type { ApiContext } from './graphql/context.ts'
import { expectedError, notFound, unauthenticated } from './graphql/errors.ts'
import { isId, typeOfId } from './schema/node-id.ts'

const MAX_NODES = 100
const MAX_PAGE = 100

const pageSize = (name: string) =>
  z
    .int()
    .min(0, `${name}: at least 0`)
    .max(MAX_PAGE, `${name}: at most ${MAX_PAGE} at once`)
    .nullish()

/** Cursors are ids: what is none is refused here, and never reaches the database. */
const cursor = z
  .string()
  .refine(isId, 'This is not a cursor: use one of `edges` or `pageInfo`.')
  .nullish()

/** What the schema's files define their types on. */
export const builder = new SchemaBuilder<{
  Context: ApiContext
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  AuthScopes: {
    /** Some account is signed in. */
    signedIn: boolean
    /** The signed-in account is this one: the owner rule of every type that has an owner. */
    owner: string
  }
  Scalars: {
    DateTime: { Input: never; Output: Date }
    Usd: { Input: never; Output: NanoUsd }
  }
}>({
  plugins: [ScopeAuthPlugin, PrismaPlugin, RelayPlugin, ValidationPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    runScopesOnType: true,
    authScopes: ({ accountId }) => ({
      signedIn: accountId !== undefined,
      owner: (owner) => accountId !== undefined && owner === accountId,
    }),
    unauthorizedError: (_parent, { accountId }) =>
      accountId === undefined ? unauthenticated() : notFound(),
  },
  prisma: {
    client: ({ services }) => services.prisma,
    dmmf: getDatamodel(),
  },
  relay: {
    clientMutationId: 'omit',
    encodeGlobalID: (_type, id) => String(id),
    decodeGlobalID: (id) => ({ typename: typeOfId(id), id }),
    idFieldOptions: { description: 'Unique among everything in this API; look it up with `node`.' },
    nodeTypeOptions: { description: 'Anything with an id.' },
    nodeQueryOptions: { description: 'What has this id, if it is yours; null otherwise.' },
    nodesQueryOptions: {
      description:
        'What has these ids, in their order, at most 100; null for each that is not yours.',
      args: {
        ids: { validate: z.array(z.unknown()).max(MAX_NODES, `ids: at most ${MAX_NODES} at once`) },
      },
    },
    firstArgOptions: {
      description: `At most ${MAX_PAGE}, from the start.`,
      validate: pageSize('first'),
    },
    lastArgOptions: {
      description: `At most ${MAX_PAGE}, from the end.`,
      validate: pageSize('last'),
    },
    afterArgOptions: { description: 'Only what comes after this cursor.', validate: cursor },
    beforeArgOptions: { description: 'Only what comes before this cursor.', validate: cursor },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'What is on this page.',
    },
    nodeFieldOptions: { nullable: false, description: 'What it is.' },
    cursorFieldOptions: { description: 'Where it stands, for `after` and `before`.' },
    defaultConnectionTypeOptions: { description: 'A page of a list.' },
    defaultEdgeTypeOptions: { description: 'One of a page.' },
    pageInfoFieldOptions: { description: 'Whether there is more.' },
    pageInfoTypeOptions: { description: 'Whether there is more, and where to go on.' },
    hasNextPageFieldOptions: { description: 'Whether more comes after `endCursor`.' },
    hasPreviousPageFieldOptions: { description: 'Whether more comes before `startCursor`.' },
    startCursorFieldOptions: { nullable: true, description: 'Of the first on this page.' },
    endCursorFieldOptions: { nullable: true, description: 'Of the last on this page.' },
  },
  validation: {
    validationError: ({ issues }) =>
      expectedError('BAD_INPUT', issues.map(({ message }) => message).join('; ')),
  },
})
