import {
  allowInsecureRequests,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client'
import type { ApiEnv } from '../env.ts'
import { isLoopback } from '../loopback.ts'
import { SignInRefusal } from './refusal.ts'

const TIMEOUT_SECONDS = 5

/**
 * The identity provider's configuration, read on first use and kept. A failure is not kept: the next sign-in asks
 * again. The returned function throws SignInRefusal while the provider cannot be reached.
 */
export function createProvider(env: ApiEnv): () => Promise<Configuration> {
  let found: Promise<Configuration> | undefined

  return async function provider() {
    found ??= discover(env)
    try {
      return await found
    } catch (error) {
      found = undefined
      throw new SignInRefusal('provider_failed', `discovery: ${String(error)}`)
    }
  }
}

function discover({
  GOOGLE_ISSUER,
  GOOGLE_CLIENT_ID,
  GOOGLE_CLIENT_SECRET,
}: ApiEnv): Promise<Configuration> {
  const issuer = new URL(GOOGLE_ISSUER)
  return discovery(issuer, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, undefined, {
    timeout: TIMEOUT_SECONDS,
    // Signatures are checked although TLS already vouches for the token endpoint.
    execute: [enableNonRepudiationChecks, ...(isLoopback(issuer) ? [allowInsecureRequests] : [])],
  })
}
