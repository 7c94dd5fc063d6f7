import { newId } from '@smartoken/prisma/ids'
import type { NewSecret } from '@smartoken/prisma/keys'
import { credit, type Queryable } from '@smartoken/prisma/ledger'
import { usd } from '@smartoken/prisma/money'
import type { Services } from '../open-services.ts'
import { personNamed } from '../sign-in/development/person.ts'
import { accountOf } from '../sign-in/identity.ts'

const GIFT = usd('10')

export interface Demo {
  /** Of the development identity provider. */
  readonly issuer: string
  /** To sign in with there. */
  readonly name: string
  /** Of the API key. */
  readonly secret: NewSecret
}

/**
 * The account that development starts with: whoever signs in under this name at the development identity provider, with
 * one API key of a known secret and ten promo dollars. Doing it at every start is doing it once: the key tells the
 * account, even where the provider has moved to another port and so is another issuer. Returns the account's id.
 * @throws Error in production
 */
export async function ensureDemoAccount(
  { prisma }: Pick<Services, 'prisma'>,
  database: Queryable,
  { issuer, name, secret }: Demo,
): Promise<string> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('There is no demo account with NODE_ENV=production.')
  }
  const identity = { issuer, subject: name, email: personNamed(name).email, name }
  const accountId = (await accountOfKey(prisma, secret)) ?? (await accountOf(prisma, identity))
  await prisma.identity.upsert({
    where: { issuer_subject: { issuer, subject: name } },
    create: { issuer, subject: name, accountId },
    update: { accountId },
  })
  await ensureApiKey(prisma, accountId, secret)
  await credit(database, [
    {
      ref: `demo:${accountId}`,
      kind: 'promo',
      source: 'promo_expense',
      accountId,
      amount: GIFT,
      withdrawable: false,
      campaign: 'demo',
    },
  ])
  return accountId
}

async function accountOfKey(
  prisma: Services['prisma'],
  { hash }: NewSecret,
): Promise<string | undefined> {
  const where = { secretHash: new Uint8Array(hash) }
  return (await prisma.apiKey.findUnique({ where, select: { accountId: true } }))?.accountId
}

async function ensureApiKey(
  prisma: Services['prisma'],
  accountId: string,
  secret: NewSecret,
): Promise<void> {
  const secretHash = new Uint8Array(secret.hash)
  await prisma.apiKey.upsert({
    where: { secretHash },
    create: { id: newId('apiKey'), accountId, name: 'demo', secretHash, hint: secret.hint },
    update: {},
    select: { id: true },
  })
}
