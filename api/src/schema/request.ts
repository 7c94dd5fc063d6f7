import { queryFromInfo } from '@pothos/plugin-prisma'
import { resolveCursorConnection, type ResolveCursorConnectionArgs } from '@pothos/plugin-relay'
import { builder } from '../builder.ts'
import { ownerOf } from '../graphql/context.ts'

const DEFAULT_PAGE = 20

export const Request = builder.prismaNode('Request', {
  description:
    'One request that the gateway admitted, and its bill. Prompts and answers are never kept.',
  id: { field: 'id' },
  nullable: true,
  select: { id: true, accountId: true },
  findUnique: (id, context) => ({ id, accountId: ownerOf(context) }),
  authScopes: (request) => ({ owner: request.accountId }),
  fields: (t) => ({
    requestId: t.exposeString('id', {
      description: "The answer's `x-request-id`. The same as `id`.",
    }),
    apiKey: t.relation('apiKey', { description: 'The key that opened it.' }),
    model: t.exposeString('modelId', { description: 'The model that served it.' }),
    modelAsked: t.exposeString('modelAsked', { description: 'The model as the request named it.' }),
    endpoint: t.exposeString('endpoint', { description: 'The path that was asked.' }),
    stream: t.exposeBoolean('stream', { description: 'Whether the answer was streamed.' }),
    route: t.exposeString('route', {
      nullable: true,
      description: 'The route it took last; null if it took none.',
    }),
    provider: t.exposeString('provider', {
      nullable: true,
      description: 'The provider that served it; null if none did.',
    }),
    sandbox: t.boolean({
      description: 'Whether the development sandbox answered in the place of a provider.',
      select: { provider: true },
      resolve: ({ provider }) => provider === 'sandbox',
    }),
    status: t.exposeInt('status', { description: 'The HTTP status of the answer.' }),
    outcome: t.exposeString('outcome', {
      description: 'How it ended, in the words of the billing table.',
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'The code of the error it was answered with, if any.',
    }),
    finishReason: t.exposeString('finishReason', {
      nullable: true,
      description: 'Why the model stopped, in its own word.',
    }),
    openedAt: t.expose('openedAt', { type: 'DateTime', description: 'When it was admitted.' }),
    firstOutputAt: t.expose('firstOutputAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first output came; null if none did.',
    }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', description: 'When it was settled.' }),
  }),
})

// Pages by comparing ids rather than by Prisma's cursor, which looks the cursor's row up and so would tell whether
// another's request exists.
builder.prismaObjectField('Account', 'requests', (t) =>
  t.connection({
    type: Request,
    description:
      'What the account asked of the gateway, newest first; 20 a page unless `first` says otherwise.',
    resolve: (account, args, context, info) =>
      resolveCursorConnection(
        { args, defaultSize: DEFAULT_PAGE, toCursor: ({ id }: { id: string }) => id },
        ({ before, after, limit, inverted }: ResolveCursorConnectionArgs) =>
          context.services.prisma.request.findMany({
            ...queryFromInfo({
              context,
              info,
              path: ['edges', 'node'],
              select: { id: true, accountId: true },
            }),
            where: { accountId: account.id, id: { lt: after, gt: before } },
            orderBy: { id: inverted ? 'asc' : 'desc' },
            take: limit,
          }),
      ),
  }),
)
