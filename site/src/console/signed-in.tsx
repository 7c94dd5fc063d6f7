import { useSignal } from '@preact/signals'
import { messageOf, type AccountState } from './account-state.ts'
import { ApiKeys } from './api-keys.tsx'
import { Balance } from './balance.tsx'
import type { ConsoleFacts } from './console-facts.ts'
import type { Account } from './operations.ts'
import { ProblemNotice } from './problem-notice.tsx'
import { Requests } from './requests.tsx'

interface Props {
  readonly account: Account
  readonly state: AccountState
  readonly facts: ConsoleFacts
}

export function SignedIn({ account, state, facts }: Props) {
  const refusal = useSignal('')

  async function signOut(): Promise<void> {
    try {
      await state.signOut()
      // The button is gone: start again where the page starts.
      document.getElementById('content')?.focus()
    } catch (error) {
      refusal.value = `You are still signed in. ${messageOf(error)}`
    }
  }

  return (
    <>
      <div class="page-head console-head">
        <h1>Console</h1>
        <p class="who">
          <span class="soft">
            {account.name} · <span class="email">{account.email}</span>
          </span>
          <button class="button quiet compact" type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </p>
        <p class="failure" role="alert">
          {refusal}
        </p>
      </div>
      <ProblemNotice state={state} />
      <Balance wallet={account.wallet} />
      <ApiKeys account={account} state={state} facts={facts} />
      <Requests state={state} facts={facts} hasKeys={account.apiKeys.some(isInUse)} />
    </>
  )
}

const isInUse = ({ revokedAt }: { revokedAt: string | null }): boolean => revokedAt === null
