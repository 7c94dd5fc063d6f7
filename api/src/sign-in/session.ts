import { createHash, randomBytes } from 'node:crypto'
import type { Services } from '../open-services.ts'

type Prisma = Services['prisma']

const TOKEN_BYTES = 32
export const SESSION_DAYS = 30
const IDLE_DAYS = 7

/** Starts a session of 30 days at most and returns its token, 256 random bits. Only the hash is stored. */
export async function createSession(prisma: Prisma, accountId: string): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  await prisma.$executeRaw`
    insert into session (token_hash, account_id, expires_at)
    values (${hashOf(token)}, ${accountId}, now() + make_interval(days => ${SESSION_DAYS}::int))`
  await forgetEnded(prisma, accountId)
  return token
}

/**
 * The account whose session the token opens: undefined if there is none, if it is over, or if it was not used for
 * 7 days. Notes the use, once a minute at most.
 */
export async function findSession(
  prisma: Prisma,
  token: string | undefined,
): Promise<string | undefined> {
  if (!token) return undefined
  const hash = hashOf(token)
  const [session] = await prisma.$queryRaw<{ accountId: string; stale: boolean }[]>`
    select account_id as "accountId", seen_at < now() - interval '1 minute' as stale
    from session
    where token_hash = ${hash} and now() < expires_at and now() < seen_at + make_interval(days => ${IDLE_DAYS}::int)`
  if (session?.stale)
    await prisma.$executeRaw`update session set seen_at = now() where token_hash = ${hash}`
  return session?.accountId
}

/** Ends a session. No token, or an unknown one, ends nothing. */
export async function endSession(prisma: Prisma, token: string | undefined): Promise<void> {
  if (token) await prisma.$executeRaw`delete from session where token_hash = ${hashOf(token)}`
}

async function forgetEnded(prisma: Prisma, accountId: string): Promise<void> {
  await prisma.$executeRaw`
    delete from session where account_id = ${accountId}
      and (expires_at <= now() or seen_at + make_interval(days => ${IDLE_DAYS}::int) <= now())`
}

/** SHA-256 is enough: a token is 256 random bits, not a password. */
const hashOf = (token: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(createHash('sha256').update(token).digest())
