import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  ClientError,
  type Configuration,
  ResponseBodyError,
} from 'openid-client'
import type { ApiEnv } from '../env.ts'
import { type Attempt, openAttempt } from './attempt.ts'
import { callbackUrl } from './begin.ts'
import { type Identity, identityOf } from './identity.ts'
import { SignInRefusal } from './refusal.ts'

/** The attempt this browser began. @throws SignInRefusal if it began none, or too long ago */
export async function attemptBegun(env: ApiEnv, sealed: string | undefined): Promise<Attempt> {
  const attempt = sealed && (await openAttempt(env.SESSION_SECRET, sealed))
  if (!attempt) throw new SignInRefusal('attempt_expired')
  return attempt
}

/**
 * Redeems what the identity provider sent back with the browser. The library checks state, PKCE, nonce, issuer,
 * audience, times and signature.
 * @throws SignInRefusal if any of it is wrong, the provider said no, or it cannot be reached
 */
export async function redeem(
  env: ApiEnv,
  provider: Configuration,
  attempt: Attempt,
  query: URLSearchParams,
): Promise<Identity> {
  if (query.get('state') !== attempt.state) throw new SignInRefusal('attempt_mismatch')
  const returned = callbackUrl(env.PUBLIC_URL)
  returned.search = query.toString()
  const tokens = await authorizationCodeGrant(provider, returned, {
    expectedState: attempt.state,
    expectedNonce: attempt.nonce,
    pkceCodeVerifier: attempt.codeVerifier,
    idTokenExpected: true,
  }).catch(refuse)
  return identityOf(tokens.claims())
}

/** What came with the browser is the browser's fault; what could not be asked of the provider is not. */
function refuse(error: unknown): never {
  if (error instanceof AuthorizationResponseError) {
    throw new SignInRefusal(
      error.error === 'access_denied' ? 'cancelled' : 'answer_refused',
      error.message,
    )
  }
  if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
    throw new SignInRefusal('answer_refused', 'the code was refused')
  }
  if (error instanceof ClientError && error.code !== 'OAUTH_TIMEOUT') {
    throw new SignInRefusal('answer_refused', `${error.code}: ${error.message}`)
  }
  throw new SignInRefusal('provider_failed', error instanceof Error ? error.message : 'no reason')
}
