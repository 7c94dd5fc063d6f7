import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor'
import { createGraphQLError, type Plugin } from 'graphql-yoga'

/** What one document may ask. Counted before anything is executed. */
const LEVELS = 8
const ALIASES = 15
const TOKENS = 1_000
const DIRECTIVES = 20
const COST = 5_000

const CODE = 'QUERY_TOO_COMPLEX'

/** Refuses documents past the limits with 400, naming which limit but not its number. */
export const useLimits = (): Plugin => ({
  onPluginInit({ addPlugin }) {
    addPlugin(armor())
    addPlugin(useRefusalStatus())
  },
})

const armor = (): Plugin =>
  EnvelopArmorPlugin({
    maxDepth: { n: LEVELS, flattenFragments: true, ...refusal('nests too many levels') },
    maxAliases: { n: ALIASES, ...refusal('has too many aliases') },
    maxTokens: { n: TOKENS, ...refusal('is too long') },
    maxDirectives: { n: DIRECTIVES, ...refusal('has too many directives') },
    // `first` multiplies what is beneath it; a full page of all there is passes, two do not.
    costLimit: {
      maxCost: COST,
      objectCost: 1,
      depthCostFactor: 1,
      flattenFragments: true,
      ...refusal('asks for too much at once'),
    },
    // Introspection is allowed, so suggestions tell nothing new.
    blockFieldSuggestion: { enabled: false },
  }) as Plugin

/** Ours is thrown in the place of Armor's, which says neither what was wrong nor what to do. */
function refusal(fault: string) {
  function refuse(): never {
    throw createGraphQLError(`This document ${fault}. Split it into smaller ones.`, {
      extensions: { code: CODE },
    })
  }
  return { exposeLimits: false, onReject: [refuse] }
}

/** On the result, because Yoga takes what is thrown while parsing for a mistake, and answers many clients 200 then. */
const useRefusalStatus = (): Plugin => ({
  onExecutionResult(execution) {
    const { result } = execution
    if (!result || !('errors' in result)) return
    if (result.errors?.some(({ extensions }) => extensions['code'] === CODE)) {
      execution.setResult({ ...result, extensions: { http: { status: 400 } } })
    }
  },
})
