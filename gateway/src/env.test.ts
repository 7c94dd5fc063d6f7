import type { Provider } from '@smartoken/prisma/catalog'
import { describe, expect, test } from 'vitest'
import { readGatewayEnv, upstreamConfiguration } from './env.ts'

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

describe('a provider’s upstream', () => {
  const provider = { env: 'ONE', baseUrl: 'https://one.example/v1' } as Provider

  test.each([
    [{}, { apiKey: undefined, baseUrl: 'https://one.example/v1' }],
    [
      { ONE_API_KEY: '', ONE_BASE_URL: '' },
      { apiKey: undefined, baseUrl: provider.baseUrl },
    ],
    [
      { ONE_API_KEY: 'k', ONE_BASE_URL: 'http://127.0.0.1:1/x' },
      { apiKey: 'k', baseUrl: 'http://127.0.0.1:1/x' },
    ],
    [{ TWO_API_KEY: 'k' }, { apiKey: undefined, baseUrl: provider.baseUrl }],
  ])('is read from %j', (source, expected) => {
    expect(upstreamConfiguration(source)(provider)).toEqual(expected)
  })

  test('with an address that is none is refused by name', () => {
    expect(() => upstreamConfiguration({ ONE_BASE_URL: 'one' })(provider)).toThrow(
      'ONE_BASE_URL: "one" is not a URL',
    )
  })
})
