import type { Model, Route } from '@smartoken/prisma/catalog'
import { dialectOf } from '../providers/dialect-of.ts'
import { Draft } from '../providers/draft.ts'
import { askForJson } from '../providers/json-schema.ts'
import { plainWords } from '../providers/messages.ts'
import { THINKING_FIELDS, thinkingOf } from '../providers/thinking.ts'
import type { ChatRequest } from '../steps/read-chat-request.ts'

/** What a provider is asked. */
export interface UpstreamBody {
  readonly body: string
  /** What of the request was dropped or mapped for it, in words for a header. */
  readonly adjusted: readonly string[]
}

/**
 * Tokens that can be billed for each token of the limit: 2 where the model will think and has a route by which reasoning has
 * a budget of its own, which is set to the limit at most.
 */
export const outputPerLimit = (model: Model, { fields }: ChatRequest): 1 | 2 =>
  thinkingOf(model, fields).on &&
  model.routes.some(({ provider }) => dialectOf(provider).thinkingBudget)
    ? 2
    : 1

/**
 * The body a provider gets: the caller's fields as they came, but for those its dialect says otherwise of; with the model's
 * name there, our limit in the provider's field, usage asked for, and what the route always sets.
 */
export function upstreamBody(
  model: Model,
  route: Route,
  request: ChatRequest,
  limit: number,
  user: string,
): UpstreamBody {
  const { max_tokens, max_completion_tokens, stream_options, ...fields } = request.fields
  const dialect = dialectOf(route.provider)
  const draft = new Draft({ model, route, limit, fields, thinking: thinkingOf(model, fields) })
  draft.eachMessage(plainWords)
  draft.setThinking({
    ...(model.thinking === 'none' ? {} : dialect.thinking(draft)),
    ...onlyThinking(route.parameters),
  })
  askForJson(draft, dialect.jsonSchema)
  draft.drop(...dialect.dropped)
  nameUser(draft, dialect.userField, user)
  dialect.adapt(draft)
  const body = draft.toBody({
    model: route.upstreamModel,
    [dialect.limitField]: limit,
    // Asked for whether or not the caller does: it is what the request is billed by.
    ...(request.stream &&
      dialect.streamOptions && {
        stream_options: { ...(stream_options as object), include_usage: true },
      }),
  })
  return { body, adjusted: draft.adjusted }
}

const onlyThinking = (parameters: Route['parameters']): Route['parameters'] =>
  Object.fromEntries(
    THINKING_FIELDS.flatMap((name) => (name in parameters ? [[name, parameters[name]]] : [])),
  )

/** Fields in which callers name their own users. */
const USER_FIELDS = ['user', 'user_id', 'safety_identifier']

/**
 * Names the account to a provider that keeps its users apart, by a pseudonym. The caller's own users, who may be named by
 * address, are its affair and are not passed on.
 */
function nameUser(draft: Draft, field: string | undefined, user: string): void {
  draft.drop(...USER_FIELDS)
  if (field) draft.set(field, user)
}
