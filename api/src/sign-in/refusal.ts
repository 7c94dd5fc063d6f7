import type { Context } from 'hono'
import { html } from 'hono/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Every way a sign-in ends without a session: status, what happened, what to do. */
const catalog = {
  attempt_expired: [
    400,
    'This sign-in has expired',
    'It was not finished within ten minutes, was finished already, or began in another browser. Start again.',
  ],
  attempt_mismatch: [
    400,
    'This sign-in is not the one you began',
    'You may have begun another one since, in another tab. Start again.',
  ],
  answer_refused: [
    400,
    'The answer of the identity provider was refused',
    'It was changed on its way, used before, or meant for another sign-in. Start again.',
  ],
  cancelled: [
    403,
    'You did not sign in',
    'The identity provider says it was cancelled there. Start again if that was not meant.',
  ],
  email_unverified: [
    403,
    'Your email address is not verified',
    'Verify it with the identity provider, or use another account there, then start again.',
  ],
  provider_failed: [
    502,
    'The identity provider could not sign you in',
    'Nothing was changed. Start again; if it happens again, wait some minutes.',
  ],
  internal: [
    500,
    'Something went wrong on our side',
    'You are not signed in. Start again; if it happens again, wait some minutes.',
  ],
} as const satisfies Record<string, readonly [ContentfulStatusCode, string, string]>

export type Reason = keyof typeof catalog

/** A sign-in that ends without a session. `detail` is for our log alone. */
export class SignInRefusal extends Error {
  override readonly name = 'SignInRefusal'
  readonly reason: Reason

  constructor(reason: Reason, detail?: string) {
    super(detail ? `${reason}: ${detail}` : reason)
    this.reason = reason
  }
}

/** The page that says so. It repeats nothing of the request. */
export function refusalPage(context: Context, reason: Reason): Response | Promise<Response> {
  const [status, title, advice] = catalog[reason]
  return context.html(
    html`<!doctype html>
      <html lang="en">
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · SmarToken</title>
        <h1>${title}</h1>
        <p>${advice}</p>
        <p><a href="/auth/sign-in">Start again</a> · <a href="/">SmarToken</a></p>
      </html>`,
    status,
  )
}
