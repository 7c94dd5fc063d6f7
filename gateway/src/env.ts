import type { Provider } from '@smartoken/prisma/catalog'
import { z } from 'zod'
import type { UpstreamConfiguration } from './upstreams/upstreams.ts'

const schema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3002),
  /** Health and metrics, on loopback; not opened where it is not set. */
  OPERATIONS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type GatewayEnv = z.infer<typeof schema>

/** Reads the gateway's variables. @throws one error naming every variable that is wrong. */
export const readGatewayEnv = (source: NodeJS.ProcessEnv): GatewayEnv => read(schema, source)

const traceSchema = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
})

/** Where traces go, if anywhere, and of how many requests, 0 to 1. @throws naming what is wrong. */
export function traceSettings(source: NodeJS.ProcessEnv) {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = read(
    traceSchema,
    source,
  )
  return { endpoint, ratio }
}

/** An empty variable is one that was not set. */
function read<Schema extends z.ZodType>(of: Schema, source: NodeJS.ProcessEnv): z.infer<Schema> {
  const parsed = of.safeParse(
    Object.fromEntries(Object.entries(source).filter(([, value]) => value !== '')),
  )
  if (parsed.success) return parsed.data
  throw new Error(
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
  )
}

/** Requests at once by one key. DeepSeek takes 500 of its larger model; other providers tell no such figure. */
const CONCURRENCY = 500

/**
 * A provider's `*_API_KEY` (several keys are separated by commas), `*_BASE_URL` (default: the provider's own) and
 * `*_CONCURRENCY`.
 *
 * @throws naming a variable that is wrong
 */
export const upstreamConfiguration =
  (source: NodeJS.ProcessEnv) =>
  ({ env, baseUrl: own }: Provider): UpstreamConfiguration => {
    const keys = (source[`${env}_API_KEY`] ?? '').split(',').map((key) => key.trim())
    const baseUrl = source[`${env}_BASE_URL`] || own
    const concurrency = Number(source[`${env}_CONCURRENCY`] || CONCURRENCY)
    if (!URL.canParse(baseUrl)) throw new Error(`${env}_BASE_URL: "${baseUrl}" is not a URL`)
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new Error(`${env}_CONCURRENCY: must be a whole number above 0`)
    return { apiKeys: [...new Set(keys.filter(Boolean))], baseUrl, concurrency }
  }
