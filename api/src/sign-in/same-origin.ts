/**
 * Whether a request that changes something comes from our own pages: it names our origin, or has a header that another
 * origin's page could only send after asking us, which we never allow.
 */
export const isSameOrigin = (headers: Headers, publicUrl: URL): boolean =>
  headers.has('x-graphql-yoga-csrf') || headers.get('origin') === publicUrl.origin
