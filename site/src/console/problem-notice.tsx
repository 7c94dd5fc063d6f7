import type { AccountState } from './account-state.ts'
import { Moment } from './moment.tsx'

/** Says what keeps the page from being up to date, and how old it is; nothing while all is well. */
export function ProblemNotice({ state }: { readonly state: AccountState }) {
  const problem = state.problem.value
  const readAt = state.account.value && state.readAt.value
  return (
    <div role="alert">
      {problem && (
        <div class="notice">
          <p>
            {problem}
            {readAt && (
              <>
                {' '}
                What you see is from <Moment at={readAt.toISOString()} />.
              </>
            )}
          </p>
          {state.account.value !== null && (
            <button class="button quiet compact" type="button" onClick={() => void state.refresh()}>
              Try again
            </button>
          )}
        </div>
      )}
    </div>
  )
}
