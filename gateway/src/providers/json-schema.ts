import type { Draft, Message } from './draft.ts'

/**
 * Asks for a JSON object where a schema was asked for and the provider, or the model, knows none: the schema is then told to
 * the model, first of all it reads. Its bytes are in what is held for, since they came with the request.
 */
export function askForJson(draft: Draft, knowsSchemas: boolean): void {
  const format = draft.get('response_format') as
    | { type?: unknown; json_schema?: unknown }
    | undefined
  const { capabilities } = draft.model
  if (format?.type !== 'json_schema' || !capabilities.includes('json_object')) return
  if (knowsSchemas && capabilities.includes('json_schema')) return
  const schema = (format.json_schema as { schema?: unknown } | null | undefined)?.schema
  draft.set('response_format', { type: 'json_object' })
  draft.report('response_format=json_object')
  const told: Message = { role: 'system', content: INSTRUCTION + JSON.stringify(schema ?? {}) }
  draft.set('messages', [told, ...(draft.get('messages') as readonly Message[])])
}

/** DeepSeek wants the word JSON in the prompt. */
const INSTRUCTION = 'Answer with one JSON object that fits this JSON Schema, and nothing else: '
