import { z } from 'zod'
import { isLoopback } from './loopback.ts'

export type ApiEnv = Readonly<z.infer<typeof development>>

/**
 * Reads the api's configuration.
 * @throws Error naming every variable that is missing, malformed or, in production, too weak
 */
export function readApiEnv(source: Readonly<Record<string, string | undefined>>): ApiEnv {
  const schema = source['NODE_ENV'] === 'production' ? production : development
  const result = schema.safeParse(source)
  if (result.success) return result.data
  const lines = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The api cannot start with this environment:\n${lines.join('\n')}`)
}

const GOOGLE = 'https://accounts.google.com'

const DEFAULT_PORT = 3001
const MAX_PORT = 65_535

const MINIMUM_SECRET = 32
const MINIMUM_CLIENT_SECRET = 16
const MINIMUM_DISTINCT = 12

const required = { error: 'is missing; set it' }

const origin = z
  .url({ error: 'must be an origin such as https://smartoken.example', abort: true })
  .transform((text) => new URL(text))
  .refine((url) => /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`, {
    error: 'must be an origin such as https://smartoken.example, without a path',
  })

const issuer = z
  .url({ error: 'must be the URL of an OpenID Connect issuer', abort: true })
  .refine((text) => !isPlain(text) || isLoopback(new URL(text)), {
    error: 'must use https unless it is on this machine',
  })

const sessionSecret = z
  .string(required)
  .min(
    MINIMUM_SECRET,
    `needs at least ${MINIMUM_SECRET} characters; make one with "openssl rand -base64 32"`,
  )

const development = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number('must be a port number').int().min(0).max(MAX_PORT).default(DEFAULT_PORT),
  LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('warn'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// URL' }),
  PUBLIC_URL: origin,
  SESSION_SECRET: sessionSecret,
  GOOGLE_CLIENT_ID: z.string(required).min(1, 'is empty; set it'),
  GOOGLE_CLIENT_SECRET: z.string(required).min(1, 'is empty; set it'),
  GOOGLE_ISSUER: issuer.default(GOOGLE),
})

const production = development.extend({
  PUBLIC_URL: origin.refine((url) => url.protocol === 'https:', {
    error: 'must use https in production: sessions travel over it',
  }),
  SESSION_SECRET: sessionSecret.refine((secret) => new Set(secret).size >= MINIMUM_DISTINCT, {
    error: 'is too regular to be random; make one with "openssl rand -base64 32"',
  }),
  GOOGLE_CLIENT_SECRET: z
    .string(required)
    .min(MINIMUM_CLIENT_SECRET, 'is too short to be a client secret of the identity provider'),
  GOOGLE_ISSUER: issuer
    .refine((text) => !isPlain(text), { error: 'must use https in production' })
    .default(GOOGLE),
})

const isPlain = (url: string): boolean => new URL(url).protocol !== 'https:'
