import { PrismaPg } from '@prisma/adapter-pg'
import { type PoolOptions, poolConfig } from './database.ts'
import { PrismaClient } from './generated/client/client.ts'

/**
 * Prisma over the same database. In a file of its own, because the gateway never needs it and the import alone
 * takes 100 ms. `$disconnect()` closes its connections.
 */
export const createPrisma = (url: string, options: PoolOptions): PrismaClient =>
  new PrismaClient({
    adapter: new PrismaPg(poolConfig(url, options)),
    // Errors are logged; the long form quotes a query's arguments.
    errorFormat: 'minimal',
  })
