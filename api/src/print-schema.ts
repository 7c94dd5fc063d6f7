import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { schema } from './schema/index.ts'

/** Writes schema.graphql, sorted, so that a diff shows what changed and nothing else. */
const text = `${printSchema(lexicographicSortSchema(schema))}\n`
writeFileSync(join(import.meta.dirname, '..', 'schema.graphql'), text)
