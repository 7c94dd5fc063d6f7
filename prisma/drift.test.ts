import { expect, test } from 'vitest'
import { createDatabase } from '../tests/support/database.ts'
import { Prisma } from './generated/client/client.ts'
import { createPrisma } from './prisma-client.ts'

test('every model of schema.prisma can be read from a database that only the migrations made', async () => {
  const database = await createDatabase()
  const prisma = createPrisma(database.url, {
    max: 2,
    applicationName: 'test',
    statementTimeoutMs: 5_000,
  })
  try {
    const names = Object.values(Prisma.ModelName)
    expect(names.length).toBeGreaterThan(0)
    const rows = await Promise.all(names.map((name) => delegateOf(prisma, name).findFirst()))
    expect(rows).toEqual(names.map(() => null))
  } finally {
    await prisma.$disconnect()
    await database.drop()
  }
})

/** `Account` → `prisma.account`: the names are Prisma's own, only known at run time here. */
function delegateOf(prisma: object, model: string): { findFirst(): Promise<unknown> } {
  const property = `${model[0]!.toLowerCase()}${model.slice(1)}`
  return Reflect.get(prisma, property) as { findFirst(): Promise<unknown> }
}
