import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type Configuration,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { ApiEnv } from '../env.ts'
import { ATTEMPT_SECONDS, sealAttempt } from './attempt.ts'
import { safeReturnTo } from './return-to.ts'

/** Where the identity provider sends the browser back; registered with it. */
export const callbackUrl = (publicUrl: URL): URL => new URL('/auth/callback', publicUrl)

/** A new attempt: where to send the browser, and what it keeps until it comes back. */
export async function beginSignIn(
  env: ApiEnv,
  provider: Configuration,
  returnTo: string | undefined,
): Promise<{ readonly location: URL; readonly sealed: string; readonly seconds: number }> {
  const attempt = {
    state: randomState(),
    nonce: randomNonce(),
    codeVerifier: randomPKCECodeVerifier(),
    returnTo: safeReturnTo(returnTo, env.PUBLIC_URL),
  }
  const location = buildAuthorizationUrl(provider, {
    redirect_uri: callbackUrl(env.PUBLIC_URL).href,
    scope: 'openid email profile',
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
  })
  return {
    location,
    sealed: await sealAttempt(env.SESSION_SECRET, attempt),
    seconds: ATTEMPT_SECONDS,
  }
}
