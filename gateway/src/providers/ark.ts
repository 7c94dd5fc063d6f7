import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
import { are } from './error-kinds.ts'

/** Volcengine Ark (Doubao), https://www.volcengine.com/docs/82379/1494384 */
export const ark: Dialect = {
  ...OPENAI,
  // Its max_tokens leaves reasoning out, max_completion_tokens has it in.
  limitField: 'max_completion_tokens',
  // A third type, auto, is of some models only. Efforts are not known of the models sold.
  thinking: (draft) => typeSwitch(draft),
  billed: {
    ...OPENAI_FIELDS,
    thinking: 'covered',
    // Stored context is billed by the hour.
    caching: 'refused',
    context_id: 'refused',
    previous_response_id: 'refused',
  },
  // https://www.volcengine.com/docs/82379/1299023; AccountOverdueError and SensitiveContentDetected [unconfirmed].
  errors: {
    ...are('rejected', 'MissingParameter', 'InvalidParameter', 'BadRequest'),
    ...are('filtered', 'SensitiveContentDetected', 'InputTextSensitiveContentDetected'),
    ...are('ours', 'AuthenticationError', 'AccountOverdueError', 'AccessDenied'),
    ...are('ours', 'InvalidEndpoint', 'InvalidEndpointOrModel', 'ModelNotOpen'),
    ...are('rate', 'RateLimitExceeded', 'TooManyRequests'),
    ...are('overload', 'ServerOverloaded', 'InternalServiceError'),
  },
  // Endpoints and bots are an account's own.
  privateModel: /^(?:ep|bot)-/,
}
