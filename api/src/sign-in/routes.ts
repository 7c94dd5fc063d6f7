import { Hono } from 'hono'
import type { Services } from '../open-services.ts'
import { beginSignIn } from './begin.ts'
import {
  attemptOf,
  clearAttemptCookie,
  clearSessionCookie,
  sessionTokenOf,
  setAttemptCookie,
  setSessionCookie,
} from './cookies.ts'
import { attemptBegun, redeem } from './finish.ts'
import { accountOf } from './identity.ts'
import { createProvider } from './provider.ts'
import { refusalPage, SignInRefusal } from './refusal.ts'
import { isSameOrigin } from './same-origin.ts'
import { createSession, endSession, SESSION_DAYS } from './session.ts'

const SESSION_SECONDS = SESSION_DAYS * 24 * 60 * 60

/** Signing in with the identity provider (OpenID Connect, authorization code with PKCE), and out. */
export function createSignIn({ env, prisma, log }: Services): Hono {
  const provider = createProvider(env)

  return new Hono()
    .get('/auth/sign-in', async (c) => {
      const { location, sealed, seconds } = await beginSignIn(
        env,
        await provider(),
        c.req.query('return_to'),
      )
      setAttemptCookie(c, sealed, seconds)
      return c.redirect(location.href)
    })
    .get('/auth/callback', async (c) => {
      const cookies = c.req.header('cookie')
      // Whatever comes of it, an attempt is made once.
      clearAttemptCookie(c)
      const attempt = await attemptBegun(env, attemptOf(cookies))
      const identity = await redeem(env, await provider(), attempt, new URL(c.req.url).searchParams)
      const accountId = await accountOf(prisma, identity)
      // A new token at each sign-in: one that was planted or stolen before opens nothing after.
      await endSession(prisma, sessionTokenOf(cookies))
      setSessionCookie(c, await createSession(prisma, accountId), SESSION_SECONDS)
      return c.redirect(attempt.returnTo)
    })
    .post('/auth/sign-out', async (c) => {
      if (!isSameOrigin(c.req.raw.headers, env.PUBLIC_URL)) {
        return c.json({ error: { message: 'Sign out from the console.', code: 'FORBIDDEN' } }, 403)
      }
      await endSession(prisma, sessionTokenOf(c.req.header('cookie')))
      clearSessionCookie(c)
      return c.body(null, 204)
    })
    .notFound((c) =>
      c.json({ error: { message: 'There is nothing at this address.', code: 'NOT_FOUND' } }, 404),
    )
    .onError((error, c) => {
      if (error instanceof SignInRefusal) {
        log.warn({ refusal: error.message }, 'a sign-in was refused')
        return refusalPage(c, error.reason)
      }
      log.error({ stack: error.stack }, 'a sign-in failed')
      return refusalPage(c, 'internal')
    })
}
