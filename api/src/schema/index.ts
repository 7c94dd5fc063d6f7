import { builder } from '../builder.ts'
import './scalars.ts'
import './wallet.ts'
import './account.ts'
import './api-key.ts'
import './request.ts'
import './request-bill.ts'

builder.queryType({ description: 'What can be read.' })
builder.mutationType({ description: 'What can be changed.' })

/** Everything the console's apps can ask. It holds no state: all comes with the context. */
export const schema = builder.toSchema()
