import type { AccountState } from './account-state.ts'
import type { ConsoleFacts } from './console-facts.ts'
import { ProblemNotice } from './problem-notice.tsx'
import { SignedIn } from './signed-in.tsx'
import { SignedOut } from './signed-out.tsx'

interface Props {
  readonly state: AccountState
  readonly facts: ConsoleFacts
}

/** The whole console: what it shows depends on who is signed in. */
export function Console({ state, facts }: Props) {
  const account = state.account.value
  if (account) return <SignedIn account={account} state={state} facts={facts} />
  return (
    <>
      <div class="page-head">
        <h1>Console</h1>
        {account === undefined && !state.problem.value && (
          <p class="lede" role="status">
            Loading your account…
          </p>
        )}
      </div>
      <ProblemNotice state={state} />
      {account === null && <SignedOut />}
    </>
  )
}
