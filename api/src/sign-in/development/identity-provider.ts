import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { exportJWK, generateKeyPair } from 'jose'
import {
  type Configuration,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import { loginPage } from './login-page.ts'
import { createMemoryStore } from './memory-store.ts'
import { personNamed } from './person.ts'

const LOOPBACK = '127.0.0.1'
const LOGIN_PATH = '/login/'
const SCOPES = 'openid email profile'
const HOUR_SECONDS = 3_600

export interface IdentityProviderOptions {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUris: readonly string[]
  /** Preferred; any free one if absent or taken. */
  readonly port?: number
}

/**
 * Starts an OpenID Connect provider on this machine in the place of the real one, so that development and tests sign
 * in by the real code. Anyone may be anyone there.
 * @throws Error in production
 */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<{ readonly issuer: string; stop(): Promise<void> }> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new Error('The development identity provider does not start with NODE_ENV=production.')
  }
  const server = createServer()
  const issuer = await listen(server, options.port ?? 0)
  const provider = new Provider(issuer, await configurationOf(options))
  const handle = provider.callback()
  const login = getRequestListener(loginRoutes(provider).fetch, { overrideGlobalObjects: false })
  server.on('request', (request, response) => {
    const listener = request.url?.startsWith(LOGIN_PATH) ? login : handle
    void listener(request, response)
  })
  return { issuer, stop: () => close(server) }
}

async function configurationOf({
  clientId,
  clientSecret,
  redirectUris,
}: IdentityProviderOptions): Promise<Configuration> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return {
    adapter: createMemoryStore(),
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [...redirectUris],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // In the ID token, as Google does it.
    conformIdTokenClaims: false,
    findAccount: (_context, name) => ({ accountId: name, claims: () => personNamed(name) }),
    interactions: { policy: alwaysAsk(), url: (_context, { uid }) => `${LOGIN_PATH}${uid}` },
    loadExistingGrant: grantAll,
    clientBasedCORS: () => false,
    renderError: (context, { error, error_description: description }) => {
      context.type = 'text'
      context.body = `${error}: ${description ?? ''}`
    },
    ttl: {
      AccessToken: HOUR_SECONDS,
      AuthorizationCode: 60,
      Grant: HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      Interaction: HOUR_SECONDS,
      Session: HOUR_SECONDS,
    },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
  }
}

/** Asks for a name at every sign-in, so that one can come back as another. */
function alwaysAsk(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  policy
    .get('login')
    ?.checks.add(
      new Check('every_time', 'a name is asked for every time', ({ oidc }) =>
        oidc.result && 'login' in oidc.result ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
      ),
    )
  return policy
}

/** Nobody is asked what our own client may know. */
async function grantAll({ oidc }: KoaContextWithOIDC) {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client?.clientId,
    accountId: oidc.session?.accountId,
  })
  grant.addOIDCScope(SCOPES)
  await grant.save()
  return grant
}

function loginRoutes(provider: Provider) {
  return new Hono<{ Bindings: HttpBindings }>()
    .get(`${LOGIN_PATH}:uid`, (c) => c.html(loginPage()))
    .post(`${LOGIN_PATH}:uid`, async (c) => {
      const { answer, name } = await c.req.parseBody()
      const result =
        answer === 'cancel' || typeof name !== 'string'
          ? { error: 'access_denied', error_description: 'Cancelled.' }
          : { login: { accountId: name.trim() } }
      const { incoming, outgoing } = c.env
      return c.redirect(await provider.interactionResult(incoming, outgoing, result), 303)
    })
}

/** On the port asked for or, where somebody else is there, on any: an issuer that moved is better than none. */
function listen(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('listening', () => {
      resolve(`http://${LOOPBACK}:${(server.address() as AddressInfo).port}`)
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error)
      server.once('error', reject)
      server.listen(0, LOOPBACK)
    })
    server.listen(port, LOOPBACK)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
