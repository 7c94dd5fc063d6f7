const DEFAULT = '/console'

/**
 * Where to go after signing in: the path that was asked for if it is on this origin, else the console. Returns an
 * absolute URL, because a path alone may be read as another host's (`//host`, or `/.//host` once normalised).
 */
export function safeReturnTo(asked: string | undefined, publicUrl: URL): string {
  const fallback = new URL(DEFAULT, publicUrl).href
  // Browsers read a backslash as a slash and drop tabs and newlines, so none of them is let through.
  if (asked === undefined || !/^\/[\x21-\x5b\x5d-\x7e]*$/.test(asked)) return fallback
  const url = URL.parse(asked, publicUrl)
  if (url?.origin !== publicUrl.origin || url.pathname.startsWith('//')) return fallback
  // Signing in again, or out, is never where one was going.
  return url.pathname.startsWith('/auth/') ? fallback : url.href
}
