import { OPENAI_FIELDS } from './billed-fields.ts'
import { OPENAI, typeSwitch, type Dialect } from './dialect.ts'
import type { Draft } from './draft.ts'
import { are } from './error-kinds.ts'
import { without } from './messages.ts'
import type { Effort } from './thinking.ts'

const EFFORTS: Readonly<Record<Effort, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'high',
  high: 'high',
  xhigh: 'max',
  max: 'max',
}

/** Kimi, https://platform.kimi.ai/docs, and for what it does not say vercel/ai's moonshotai provider (ed857f50). */
export const moonshot: Dialect = {
  ...OPENAI,
  limitField: 'max_completion_tokens',
  thinking,
  // Each Kimi has its own values of these and answers 400 to any other.
  dropped: ['temperature', 'top_p', 'presence_penalty', 'frequency_penalty'],
  userField: 'safety_identifier',
  adapt: withoutSchemaName,
  billed: { ...OPENAI_FIELDS, thinking: 'covered' },
  // Types; [unconfirmed] but for resource_not_found_error, which netbirdio/docs#872 shows.
  errors: {
    ...are('ours', 'exceeded_current_quota_error', 'invalid_authentication_error'),
    ...are('ours', 'permission_denied_error', 'resource_not_found_error'),
    ...are('rate', 'rate_limit_reached_error'),
    ...are('overload', 'engine_overloaded_error', 'server_error'),
    ...are('filtered', 'content_filter'),
    ...are('rejected', 'invalid_request_error'),
  },
}

/** K3 always thinks and is told how hard; K2.7 Code always does; only the others have a switch. Each refuses what it lacks. */
function thinking(draft: Draft) {
  if (draft.model.thinking !== 'always') return typeSwitch(draft)
  if (!draft.route.upstreamModel.startsWith('kimi-k3')) return {}
  const { effort } = draft.thinking
  return effort ? { reasoning_effort: EFFORTS[effort] } : {}
}

/** The `$schema` of a schema is not among what its validator knows. */
function withoutSchemaName(draft: Draft): void {
  const format = draft.get('response_format') as
    | { json_schema?: { schema?: Record<string, unknown> } | null }
    | null
    | undefined
  const schema = format?.json_schema?.schema
  if (typeof schema !== 'object' || schema === null || !('$schema' in schema)) return
  draft.set('response_format', {
    ...format,
    json_schema: { ...format?.json_schema, schema: without(schema, '$schema') },
  })
}
