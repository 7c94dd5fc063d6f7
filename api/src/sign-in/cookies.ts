import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { parse } from 'hono/utils/cookie'

const SESSION = '__Host-session'
const ATTEMPT = '__Host-sign-in'

/** `__Host-` cookies: of this host alone, over a secure channel, out of reach of scripts (RFC 6265bis, 4.1.3.2). */
const HOST_ONLY = { httpOnly: true, secure: true, sameSite: 'Lax', path: '/' } as const

/** From a request's `cookie` header. */
export const sessionTokenOf = (header: string | null | undefined): string | undefined =>
  parse(header ?? '', SESSION)[SESSION]

export const attemptOf = (header: string | null | undefined): string | undefined =>
  parse(header ?? '', ATTEMPT)[ATTEMPT]

export const setSessionCookie = (context: Context, token: string, maxAgeSeconds: number): void =>
  setCookie(context, SESSION, token, { ...HOST_ONLY, maxAge: maxAgeSeconds })

export const setAttemptCookie = (context: Context, sealed: string, maxAgeSeconds: number): void =>
  setCookie(context, ATTEMPT, sealed, { ...HOST_ONLY, maxAge: maxAgeSeconds })

export const clearSessionCookie = (context: Context): void =>
  void deleteCookie(context, SESSION, HOST_ONLY)

export const clearAttemptCookie = (context: Context): void =>
  void deleteCookie(context, ATTEMPT, HOST_ONLY)
