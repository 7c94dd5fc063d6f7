import { hashSecret, isWellFormed } from '@smartoken/prisma/keys'
import { LRUCache } from 'lru-cache'
import type { Pool } from '@smartoken/prisma/database'
import { ApiError } from '../errors.ts'

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
 * A malformed key is refused without asking the database.
 */
export function createAuthenticate(database: Pool) {
  const known = new LRUCache<string, Caller>({ max: REMEMBERED_KEYS })

  return async function authenticate(credentials: Credentials): Promise<Caller> {
    const secret = secretFrom(credentials)
    if (!secret || !isWellFormed(secret)) throw new ApiError('invalid_api_key')
    const hash = hashSecret(secret)
    const name = hash.toString('base64')
    const remembered = known.get(name)
    if (remembered) return remembered
    const found = await findKey(database, hash)
    if (!found) throw new ApiError('invalid_api_key')
    known.set(name, found)
    return found
  }
}

export type Authenticate = ReturnType<typeof createAuthenticate>

function secretFrom(credentials: Credentials): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(credentials.authorization ?? '')?.[1]
  return bearer ?? credentials['x-api-key']?.trim()
}

async function findKey(database: Pool, hash: Buffer): Promise<Caller | undefined> {
  try {
    const { rows } = await database.query<Caller>(
      'select id as "apiKeyId", account_id as "accountId" from api_key where secret_hash = $1',
      [hash],
    )
    return rows[0]
  } catch (cause) {
    throw new ApiError('billing_unavailable', { cause, headers: { 'retry-after': '2' } })
  }
}
