import { createPrisma } from '@smartoken/prisma/prisma-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../../../tests/support/database.ts'
import { accountOf, identityOf } from './identity.ts'
import { SignInRefusal } from './refusal.ts'

let database: TestDatabase
let prisma: ReturnType<typeof createPrisma>
beforeAll(async () => {
  database = await createDatabase()
  prisma = createPrisma(database.url, {
    max: 8,
    applicationName: 'test',
    statementTimeoutMs: 5_000,
  })
})
afterAll(async () => {
  await prisma.$disconnect()
  await database.drop()
})

const claims = {
  iss: 'https://accounts.google.com',
  sub: '110169484474386276334',
  email: 'someone@example.com',
  email_verified: true,
  name: 'Someone',
}

test('of eight first sign-ins at once one makes the account, and all have it', async () => {
  const identity = identityOf(claims)
  await prisma.$queryRaw`select 1`
  const ids = await Promise.all(Array.from({ length: 8 }, () => accountOf(prisma, identity)))
  expect(new Set(ids).size).toBe(1)
  expect(await prisma.account.count()).toBe(1)
  expect(await prisma.wallet.count()).toBe(1)
})

test('an identity is issuer and subject, whatever the email says', async () => {
  const [own, otherSubject, otherIssuer, renamed] = await Promise.all(
    [{}, { sub: '2' }, { iss: 'https://evil.example' }, { email: 'new@example.com' }].map(
      (change) => accountOf(prisma, identityOf({ ...claims, ...change })),
    ),
  )
  expect(new Set([own, otherSubject, otherIssuer]).size).toBe(3)
  expect(renamed).toBe(own)
})

test.each([
  ['no name', { name: undefined }, 'someone@example.com'],
  ['an empty name', { name: ' ' }, 'someone@example.com'],
  ['control characters', { name: 'A\u0000\u202eB\n' }, 'AB'],
  ['a name without end', { name: 'x'.repeat(1_000) }, 'x'.repeat(200)],
])('with %s the name is usable', (_what, change, name) => {
  expect(identityOf({ ...claims, ...change }).name).toBe(name)
})

test.each<[string, object, string]>([
  ['an unverified email', { email_verified: false }, 'email_unverified'],
  ['no word on the email', { email_verified: undefined }, 'provider_failed'],
  ['a verified that is text', { email_verified: 'true' }, 'provider_failed'],
  ['no email', { email: undefined }, 'provider_failed'],
  ['an email with a line break', { email: 'a@b\nc' }, 'provider_failed'],
  ['no subject', { sub: '' }, 'provider_failed'],
  ['a subject past the 255 the standard allows', { sub: 'x'.repeat(256) }, 'provider_failed'],
])('%s is refused', (_what, change, reason) => {
  expect(() => identityOf({ ...claims, ...change })).toThrow(SignInRefusal)
  expect(() => identityOf({ ...claims, ...change })).toThrow(reason)
})
