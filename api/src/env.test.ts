import { expect, test } from 'vitest'
import { readApiEnv } from './env.ts'

const good = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgresql://smartoken@127.0.0.1:5432/smartoken',
  PUBLIC_URL: 'https://smartoken.example',
  SESSION_SECRET: 'q2Qy7m0dT1bWc9XoVZt4uR8sLkEfHgJaNiPzYvBx',
  GOOGLE_CLIENT_ID: 'client.apps.example',
  GOOGLE_CLIENT_SECRET: 'GOCSPX-0123456789abcdef',
}

test('a good environment is read, with Google as the issuer unless another is named', () => {
  expect(readApiEnv(good)).toEqual({
    ...good,
    HOST: '127.0.0.1',
    PORT: 3001,
    LOG_LEVEL: 'warn',
    PUBLIC_URL: new URL('https://smartoken.example'),
    GOOGLE_ISSUER: 'https://accounts.google.com',
  })
})

test.each([
  ['PORT', 'x'],
  ['PORT', '65536'],
  ['PORT', '80.5'],
  ['LOG_LEVEL', 'loud'],
  ['DATABASE_URL', undefined],
  ['DATABASE_URL', ''],
  ['DATABASE_URL', 'mysql://127.0.0.1/smartoken'],
  ['DATABASE_URL', '127.0.0.1:5432'],
  ['PUBLIC_URL', undefined],
  ['PUBLIC_URL', ''],
  ['PUBLIC_URL', 'smartoken.example'],
  ['PUBLIC_URL', 'http://smartoken.example'],
  ['PUBLIC_URL', 'http://127.0.0.1:3000'],
  ['PUBLIC_URL', 'https://smartoken.example/console'],
  ['PUBLIC_URL', 'https://user:word@smartoken.example'],
  ['PUBLIC_URL', 'https://smartoken.example?x=1'],
  ['PUBLIC_URL', 'javascript:alert(1)'],
  ['SESSION_SECRET', undefined],
  ['SESSION_SECRET', ''],
  ['SESSION_SECRET', 'change-me'],
  ['SESSION_SECRET', 'q2Qy7m0dT1bWc9XoVZt4uR8sLkEfHgJ'],
  ['SESSION_SECRET', 'a'.repeat(64)],
  ['SESSION_SECRET', 'password'.repeat(8)],
  ['SESSION_SECRET', '0123456789'.repeat(4)],
  ['GOOGLE_CLIENT_ID', undefined],
  ['GOOGLE_CLIENT_ID', ''],
  ['GOOGLE_CLIENT_SECRET', undefined],
  ['GOOGLE_CLIENT_SECRET', ''],
  ['GOOGLE_CLIENT_SECRET', 'secret'],
  ['GOOGLE_ISSUER', ''],
  ['GOOGLE_ISSUER', 'accounts.google.com'],
  ['GOOGLE_ISSUER', 'http://accounts.google.com'],
  ['GOOGLE_ISSUER', 'http://127.0.0.1:4000'],
])('production does not start with %s=%s, and says which it is', (name, value) => {
  expect(() => readApiEnv({ ...good, [name]: value })).toThrow(
    new RegExp(`^The api cannot start with this environment:\n  ${name}: `),
  )
})

test('a refused secret is not repeated', () => {
  expect(() => readApiEnv({ ...good, SESSION_SECRET: 'hunter2' })).not.toThrow('hunter2')
})

test('everything that is wrong is named at once', () => {
  expect(() => readApiEnv({ NODE_ENV: 'production' })).toThrow(
    /DATABASE_URL.*PUBLIC_URL.*SESSION_SECRET.*GOOGLE_CLIENT_ID.*GOOGLE_CLIENT_SECRET/s,
  )
})

test('NODE_ENV is one of three', () => {
  expect(() => readApiEnv({ ...good, NODE_ENV: 'prod' })).toThrow('NODE_ENV: ')
})

const local = { ...good, NODE_ENV: 'development', PUBLIC_URL: 'http://127.0.0.1:3000' }

test('development may use plain http on this machine, and only there for the issuer', () => {
  expect(readApiEnv({ ...local, GOOGLE_ISSUER: 'http://127.0.0.1:4000' }).GOOGLE_ISSUER).toBe(
    'http://127.0.0.1:4000',
  )
  expect(() => readApiEnv({ ...local, GOOGLE_ISSUER: 'http://accounts.google.com' })).toThrow(
    'GOOGLE_ISSUER: must use https',
  )
  expect(() => readApiEnv({ ...local, GOOGLE_ISSUER: 'http://127.evil.example' })).toThrow(
    'GOOGLE_ISSUER',
  )
})
