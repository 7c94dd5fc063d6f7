/** Scripts and styles are files of ours: no page has an inline one that runs. */
const policy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
  'manifest-src': "'self'",
  'form-action': "'self'",
  'base-uri': "'none'",
  'frame-ancestors': "'none'",
}

/** Two years, as browsers' preload lists ask for. */
const HSTS_SECONDS = 63_072_000

/** What every answer of the site carries. HSTS only where the public address is https. */
export function securityHeaders(publicUrl: string): ReadonlyMap<string, string> {
  const directives = Object.entries(policy).map(([name, value]) => `${name} ${value}`)
  const headers = new Map([
    ['content-security-policy', directives.join('; ')],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'strict-origin-when-cross-origin'],
  ])
  if (publicUrl.startsWith('https:')) {
    headers.set('strict-transport-security', `max-age=${HSTS_SECONDS}`)
  }
  return headers
}
