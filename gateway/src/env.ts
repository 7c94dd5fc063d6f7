import type { Provider } from '@smartoken/prisma/catalog'
import { z } from 'zod'
import type { UpstreamConfiguration } from './upstreams/upstreams.ts'

const schema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3002),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type GatewayEnv = z.infer<typeof schema>

/** Reads the gateway's variables. @throws one error naming every variable that is wrong. */
export function readGatewayEnv(source: NodeJS.ProcessEnv): GatewayEnv {
  const parsed = schema.safeParse(source)
  if (parsed.success) return parsed.data
  throw new Error(
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  )
}

/** A provider's `*_API_KEY` and `*_BASE_URL` (default: the provider's own). @throws naming a base URL that is none. */
export const upstreamConfiguration =
  (source: NodeJS.ProcessEnv) =>
  (provider: Provider): UpstreamConfiguration => {
    const name = `${provider.env}_BASE_URL`
    const baseUrl = source[name] || provider.baseUrl
    if (!URL.canParse(baseUrl)) throw new Error(`${name}: "${baseUrl}" is not a URL`)
    return { apiKey: source[`${provider.env}_API_KEY`] || undefined, baseUrl }
  }
