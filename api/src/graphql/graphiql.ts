import type { GraphiQLOptions, Plugin } from 'graphql-yoga'

/**
 * GraphiQL needs inline code and workers from blobs, and nothing from elsewhere. The policy is the page's alone:
 * any other answer keeps the api's, which allows nothing.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  'worker-src blob:',
  "connect-src 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The page, from the package: 9 MB that are only read when someone asks for it. */
export async function renderGraphiql(options?: GraphiQLOptions): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  return renderGraphiQL({ title: 'SmarToken GraphQL', ...options })
}

/** Loosens the policy for that page. */
export const useGraphiqlPolicy = (): Plugin => ({
  onResponse({ response }) {
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      response.headers.set('content-security-policy', POLICY)
    }
  },
})
