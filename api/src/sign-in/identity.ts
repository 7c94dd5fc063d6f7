import { newId } from '@smartoken/prisma/ids'
import { Prisma } from '@smartoken/prisma/client'
import { z } from 'zod'
import type { Services } from '../open-services.ts'
import { SignInRefusal } from './refusal.ts'

const MAX_NAME_LENGTH = 200

const UNIQUE_VIOLATION = 'P2002'

/** Who someone is: the subject as its issuer knows it, never the email (OpenID Connect Core 1.0, section 5.7). */
export type Identity = Readonly<{ issuer: string; subject: string; email: string; name: string }>

const claims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  email: z
    .string()
    .min(3)
    .max(254)
    .regex(/^\P{C}+@\P{C}+$/u),
  email_verified: z.boolean(),
  name: z.string().optional(),
})

/**
 * Reads the claims of an ID token whose signature, issuer, audience and nonce were checked.
 * @throws SignInRefusal if the email was not verified, or the claims are not what every provider sends
 */
export function identityOf(idToken: unknown): Identity {
  const { data } = claims.safeParse(idToken)
  if (!data) throw new SignInRefusal('provider_failed', 'the ID token lacks claims')
  if (!data.email_verified) throw new SignInRefusal('email_unverified')
  const name = data.name?.replace(/\p{C}/gu, '').trim().slice(0, MAX_NAME_LENGTH)
  return { issuer: data.iss, subject: data.sub, email: data.email, name: name || data.email }
}

/** The account of an identity, with the email and name it has now; at the first sign-in a new one with its wallet. */
export async function accountOf(prisma: Services['prisma'], identity: Identity): Promise<string> {
  return (await findAccount(prisma, identity)) ?? (await createAccount(prisma, identity))
}

async function findAccount(
  prisma: Services['prisma'],
  { issuer, subject, email, name }: Identity,
): Promise<string | undefined> {
  const where = { issuer_subject: { issuer, subject } }
  const known = await prisma.identity.findUnique({ where, select: { accountId: true } })
  if (!known) return undefined
  const { accountId } = known
  await prisma.account.update({
    where: { id: accountId },
    data: { email, name },
    select: { id: true },
  })
  return accountId
}

/** One transaction. Of two first sign-ins at once the identity's key lets one create, and the other finds. */
async function createAccount(prisma: Services['prisma'], identity: Identity): Promise<string> {
  const { issuer, subject, email, name } = identity
  const id = newId('account')
  const data = {
    id,
    email,
    name,
    identities: { create: { issuer, subject } },
    wallet: { create: {} },
  }
  try {
    await prisma.account.create({ data, select: { id: true } })
    return id
  } catch (error) {
    if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== UNIQUE_VIOLATION)
      throw error
    const accountId = await findAccount(prisma, identity)
    if (!accountId) throw error
    return accountId
  }
}
