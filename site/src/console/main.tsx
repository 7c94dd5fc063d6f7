import { render } from 'preact'
import { AccountState } from './account-state.ts'
import { createApi } from './api.ts'
import { readConsoleFacts } from './console-facts.ts'
import { Console } from './console.tsx'
import { keepFresh } from './keep-fresh.ts'

const state = new AccountState(createApi())
const root = document.getElementById('console')
if (!root) throw new Error('The page has no element #console')

root.replaceChildren()
render(<Console state={state} facts={readConsoleFacts(document)} />, root)
void state.refresh()
keepFresh(
  () => void state.refresh(),
  () => state.account.value !== null,
)
