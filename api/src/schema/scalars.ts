import { formatUsd } from '@smartoken/prisma/money'
import { createGraphQLError } from 'graphql-yoga'
import { builder } from '../builder.ts'

builder.scalarType('Usd', {
  description: 'Exact US dollars as a decimal string, e.g. "0.000143".',
  serialize: formatUsd,
  parseValue: refuse,
})

builder.scalarType('DateTime', {
  description:
    'An instant in UTC as RFC 3339 has it, to the millisecond, e.g. "2026-11-23T08:30:00.000Z".',
  serialize: (instant) => instant.toISOString(),
  parseValue: refuse,
})

/** No argument is of these types. */
function refuse(): never {
  throw createGraphQLError('This scalar is only ever returned.')
}
