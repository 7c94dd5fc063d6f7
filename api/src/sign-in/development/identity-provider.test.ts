import { secretFromSeed } from '@smartoken/prisma/keys'
import { createPool } from '@smartoken/prisma/database'
import { createPrisma } from '@smartoken/prisma/prisma-client'
import { afterEach, expect, test, vi } from 'vitest'
import { ensureDemoAccount } from '../../development/demo-account.ts'
import { startIdentityProvider } from './identity-provider.ts'

const options = {
  clientId: 'client',
  clientSecret: 'secret',
  redirectUris: ['http://127.0.0.1:1/auth/callback'],
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('no development convenience starts in production', async () => {
  vi.stubEnv('NODE_ENV', 'production')
  await expect(startIdentityProvider(options)).rejects.toThrow(
    'does not start with NODE_ENV=production',
  )

  const nowhere = { max: 1, applicationName: 'test', statementTimeoutMs: 1_000 }
  const url = 'postgresql://127.0.0.1:1/nowhere'
  const demo = { issuer: 'http://127.0.0.1:1', name: 'demo', secret: secretFromSeed('seed') }
  await expect(
    ensureDemoAccount({ prisma: createPrisma(url, nowhere) }, createPool(url, nowhere), demo),
  ).rejects.toThrow('no demo account with NODE_ENV=production')
})

test('the identity provider listens on loopback alone, and says nothing on the console', async () => {
  const said = (['warn', 'info', 'log', 'error'] as const).map((level) => vi.spyOn(console, level))
  const provider = await startIdentityProvider(options)
  expect(new URL(provider.issuer).hostname).toBe('127.0.0.1')
  const discovered = (await (
    await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  ).json()) as {
    issuer: string
    code_challenge_methods_supported: string[]
  }
  expect(discovered).toMatchObject({
    issuer: provider.issuer,
    code_challenge_methods_supported: ['S256'],
  })
  await provider.stop()
  for (const spy of said) expect(spy).not.toHaveBeenCalled()
})

test('what was not asked for with PKCE, or leads elsewhere, gets no code', async () => {
  const provider = await startIdentityProvider(options)
  const ask = async (changes: Record<string, string>) => {
    const query = {
      client_id: 'client',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: options.redirectUris[0]!,
      ...changes,
    }
    return fetch(`${provider.issuer}/auth?${new URLSearchParams(query).toString()}`, {
      redirect: 'manual',
    })
  }
  expect((await ask({})).headers.get('location')).toContain('error=invalid_request')
  const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
  expect((await ask({ ...challenge, redirect_uri: 'https://evil.example/' })).status).toBe(400)
  expect((await ask(challenge)).headers.get('location')).toContain('/login/')
  await provider.stop()
})
