import { expectedError } from '../graphql/errors.ts'

const TYPE_OF_PREFIX: Readonly<Record<string, string>> = {
  acc: 'Account',
  key: 'ApiKey',
  req: 'Request',
}

/** A prefix, a two-character cell and a ULID, as prisma/ids.ts makes them. */
const SHAPE = /^([a-z]+)_[0-9A-Za-z]{2}[0-9A-HJKMNP-TV-Z]{26}$/

export const isId = (text: string): boolean => SHAPE.test(text)

/**
 * The GraphQL type an id is of: our ids carry it, so that they need no encoding and an `x-request-id` can be
 * looked up as it is.
 * @throws GraphQLError BAD_INPUT for what cannot be an id, before it reaches the database
 */
export function typeOfId(id: string): string {
  const type = TYPE_OF_PREFIX[SHAPE.exec(id)?.[1] ?? '']
  if (type) return type
  throw expectedError(
    'BAD_INPUT',
    'This is not an id. Ids look like key_00 and 26 letters and digits.',
  )
}
