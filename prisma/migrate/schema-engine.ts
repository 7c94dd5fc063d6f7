import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  type SqlMigrationAwareDriverAdapterFactory,
  bindMigrationAwareSqlAdapterFactory,
} from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import type { Pool } from 'pg'

/** The engine only asks it for the kind of database: it applies SQL files and never compares models. */
const DATAMODEL = 'datasource db {\n  provider = "postgresql"\n}\n'

let instantiation: Promise<void> | undefined

/**
 * Prisma's schema engine as WebAssembly: nothing is downloaded, and `_prisma_migrations` is kept as
 * `prisma migrate deploy` keeps it. `onScriptError` gets PostgreSQL's own error of a failing script, of which the
 * engine would leave a message without a position. The pool stays the caller's.
 */
export async function openSchemaEngine(
  pool: Pool,
  onScriptError: (error: unknown) => void,
): Promise<bindings.SchemaEngine> {
  await (instantiation ??= instantiate())
  return bindings.SchemaEngine.new(
    { datamodels: [['schema.prisma', DATAMODEL]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(wholeScripts(pool, onScriptError)),
  )
}

async function instantiate(): Promise<void> {
  const script = createRequire(import.meta.url).resolve(
    '@prisma/schema-engine-wasm/schema_engine_bg',
  )
  const bytes = await readFile(script.replace(/\.js$/, '.wasm'))
  const imports = { './schema_engine_bg.js': { ...bindings } } as unknown as WebAssembly.Imports
  const { instance } = await WebAssembly.instantiate(bytes, imports)
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start'] as () => void
  start()
}

/** The adapter cuts a script at every `;`, function bodies too. PostgreSQL takes a whole script at once. */
function wholeScripts(
  pool: Pool,
  onScriptError: (error: unknown) => void,
): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool)
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter = await factory.connect()
      adapter.executeScript = async (script) => {
        await pool.query(script).catch((error: unknown) => {
          onScriptError(error)
          throw error
        })
      }
      return adapter
    },
    async connectToShadowDb() {
      throw new Error(
        'A shadow database would be the real one here: migrations are never compared.',
      )
    },
  }
}
