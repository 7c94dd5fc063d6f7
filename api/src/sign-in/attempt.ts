import { hkdfSync } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'
import { z } from 'zod'

/** How long one may stay at the identity provider. In seconds, as cookies and JWTs count. */
export const ATTEMPT_SECONDS = 600

/** What must come back, or be known again, when the identity provider sends the browser back. */
export type Attempt = Readonly<z.infer<typeof attempt>>

const attempt = z.object({
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  returnTo: z.string(),
})

/** Seals an attempt for the browser to keep: it can neither read nor change it, and it opens for ten minutes. */
export const sealAttempt = (secret: string, { ...claims }: Attempt): Promise<string> =>
  new EncryptJWT(claims)
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(`${ATTEMPT_SECONDS} seconds`)
    .encrypt(keyOf(secret))

/** Opens a sealed attempt; undefined if it is not ours, was changed, or is too old. */
export async function openAttempt(secret: string, sealed: string): Promise<Attempt | undefined> {
  const options = {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
    requiredClaims: ['exp'],
  }
  const opened = await jwtDecrypt(sealed, keyOf(secret), options).catch(() => undefined)
  return attempt.safeParse(opened?.payload).data
}

/** A key for this use alone, so that SESSION_SECRET may have others. */
const keyOf = (secret: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', 'smartoken sign-in attempt', 32))
