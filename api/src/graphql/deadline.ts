import { createGraphQLError, type Plugin } from 'graphql-yoga'

/** Gives up an operation after `deadlineMs` with 503, whatever it waits for, and starts no more of its resolvers. */
export const useDeadline = (deadlineMs: number): Plugin => ({
  onExecute({ executeFn, setExecuteFn }) {
    setExecuteFn(async (args) => {
      const { promise: expired, reject } = Promise.withResolvers<never>()
      const stop = new AbortController()
      const timer = setTimeout(() => {
        reject(tooLate())
        stop.abort()
      }, deadlineMs)
      // Yoga's executor takes a signal, which the types of graphql's own do not have.
      const stoppable: typeof args & { readonly signal: AbortSignal } = {
        ...args,
        signal: stop.signal,
      }
      try {
        return await Promise.race([executeFn(stoppable), expired])
      } finally {
        clearTimeout(timer)
      }
    })
  },
})

const tooLate = () =>
  createGraphQLError('This took too long and was given up. Ask for less, or try again later.', {
    extensions: { code: 'DEADLINE_EXCEEDED', http: { status: 503 } },
  })
