import { lexicographicSortSchema, printSchema } from 'graphql'
import { schema } from './schema/index.ts'

/** The schema as schema.graphql has it: sorted, so that a diff shows what changed and nothing else. */
process.stdout.write(`${printSchema(lexicographicSortSchema(schema))}\n`)
