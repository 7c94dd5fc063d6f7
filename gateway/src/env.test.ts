import type { Provider } from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { readGatewayEnv, traceSettings, upstreamConfiguration } from './env.ts'

const database = { DATABASE_URL: 'postgres://127.0.0.1/x' }

describe('the environment', () => {
  test('needs a database only', () => {
    expect(readGatewayEnv(database)).toEqual({
      NODE_ENV: 'development',
      PORT: 3002,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      ...database,
    })
  })

  test('is refused with the name of every variable that is wrong', () => {
    expect(() => readGatewayEnv({ PORT: '70000', LOG_LEVEL: 'loud' })).toThrow(
      /PORT: .*; DATABASE_URL: .*; LOG_LEVEL: /,
    )
  })

  test.each(['mysql://127.0.0.1/x', 'nowhere', ''])('%s is no database', (url) => {
    expect(() => readGatewayEnv({ DATABASE_URL: url })).toThrow('DATABASE_URL')
  })
})

describe('traces', () => {
  const ENDPOINT = 'http://127.0.0.1:4318'

  test.each([
    [{}, { endpoint: undefined, ratio: 1 }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, { endpoint: undefined, ratio: 1 }],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_SAMPLER_ARG: '0.1' },
      { endpoint: ENDPOINT, ratio: 0.1 },
    ],
  ])('go where %j says', (source, expected) => {
    expect(traceSettings(source)).toEqual(expected)
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'nowhere'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ])('with a wrong %s are refused by name', (name, value) => {
    expect(() => traceSettings({ [name]: value })).toThrow(name)
  })
})

describe('a provider’s upstream', () => {
  const provider = { env: 'ONE', baseUrl: 'https://one.example/v1' } as Provider

  test.each([
    [{}, { apiKeys: [], baseUrl: 'https://one.example/v1', concurrency: 500 }],
    [
      { ONE_API_KEY: '', ONE_BASE_URL: '' },
      { apiKeys: [], baseUrl: provider.baseUrl, concurrency: 500 },
    ],
    [
      { ONE_API_KEY: 'k', ONE_BASE_URL: 'http://127.0.0.1:1/x' },
      { apiKeys: ['k'], baseUrl: 'http://127.0.0.1:1/x', concurrency: 500 },
    ],
    [
      { ONE_API_KEY: ' a,b,, a ,c' },
      { apiKeys: ['a', 'b', 'c'], baseUrl: provider.baseUrl, concurrency: 500 },
    ],
    [{ TWO_API_KEY: 'k' }, { apiKeys: [], baseUrl: provider.baseUrl, concurrency: 500 }],
  ])('is read from %j', (source, expected) => {
    expect(upstreamConfiguration(source)(provider)).toEqual(expected)
  })

  test('takes as many requests at once as is said', () => {
    expect(upstreamConfiguration({ ONE_CONCURRENCY: '7' })(provider)).toMatchObject({
      concurrency: 7,
    })
  })

  test.each(['0', '-1', '1.5', 'many'])('with a concurrency of %s is refused by name', (value) => {
    expect(() => upstreamConfiguration({ ONE_CONCURRENCY: value })(provider)).toThrow(
      'ONE_CONCURRENCY: must be',
    )
  })

  test('with an address that is none is refused by name', () => {
    expect(() => upstreamConfiguration({ ONE_BASE_URL: 'one' })(provider)).toThrow(
      'ONE_BASE_URL: "one" is not a URL',
    )
  })
})
