import { hashSecret, isWellFormed } from '@smartoken/prisma/keys'
import { LRUCache } from 'lru-cache'
import type { Pool } from '@smartoken/prisma/database'
import type { LimitsTold } from '@smartoken/prisma/ledger'
import { ApiError } from '../errors.ts'
import type { Services } from '../open-services.ts'

/** Whose request it is. That the key still works is decided with the hold, by the database. */
export interface Caller {
  readonly apiKeyId: string
  readonly accountId: string
}

export interface Credentials {
  readonly authorization: string | undefined
  readonly 'x-api-key': string | undefined
}

/** A key's id and account never change, so remembering them can't outlive a revocation. */
const REMEMBERED_KEYS = 50_000

/**
 * Makes the step that tells whose key a request carries, in either header.
 * What is no key is refused without asking the database. Some clients send both headers, with a placeholder in one; two
 * keys that differ are refused, since nobody can tell whose money is meant.
 */
export function createAuthenticate({ database, rateLimits }: Services) {
  const known = new LRUCache<string, Caller>({ max: REMEMBERED_KEYS })

  return async function authenticate(credentials: Credentials): Promise<Caller> {
    const [secret, another] = secretsIn(credentials)
    if (!secret || another) throw new ApiError('invalid_api_key')
    const hash = hashSecret(secret)
    const name = hash.toString('base64')
    const remembered = known.get(name)
    if (remembered) return remembered
    const found = await findKey(database, hash)
    if (!found) throw new ApiError('invalid_api_key')
    const { apiKeyId, accountId, limits, clock } = found
    rateLimits.saw(apiKeyId, limits, clock)
    const caller = { apiKeyId, accountId }
    known.set(name, caller)
    return caller
  }
}

export type Authenticate = ReturnType<typeof createAuthenticate>

/** The different keys that it names; what cannot be one of ours is none. */
function secretsIn(credentials: Credentials): string[] {
  const bearer = /^Bearer +(\S+) *$/i.exec(credentials.authorization ?? '')?.[1]
  const named = new Set([bearer, credentials['x-api-key']?.trim()])
  return [...named].filter((secret) => secret !== undefined && isWellFormed(secret)) as string[]
}

interface FoundKey extends Caller {
  readonly limits: LimitsTold | null
  readonly clock: Date
}

async function findKey(database: Pool, hash: Buffer): Promise<FoundKey | undefined> {
  try {
    const { rows } = await database.query<FoundKey>(
      `select id as "apiKeyId", account_id as "accountId", limits_now(account_id, id, at) as limits, at as clock
         from api_key cross join ledger_clock() as at where secret_hash = $1`,
      [hash],
    )
    return rows[0]
  } catch (cause) {
    throw new ApiError('billing_unavailable', { cause, headers: { 'retry-after': '2' } })
  }
}
