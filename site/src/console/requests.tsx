import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { messageOf, type AccountState } from './account-state.ts'
import type { ConsoleFacts } from './console-facts.ts'
import { Moment, zone } from './moment.tsx'
import { RequestRows } from './request-rows.tsx'
import { Sample } from './sample.tsx'

interface Props {
  readonly state: AccountState
  readonly facts: ConsoleFacts
  readonly hasKeys: boolean
}

/** The account's requests, newest first, as far as they have been loaded. */
export function Requests({ state, facts, hasKeys }: Props) {
  const { edges, pageInfo } = state.requests.value
  return (
    <section class="section" aria-labelledby="requests">
      <div class="section-head">
        <h2 id="requests">Requests</h2>
        <p class="soft small">
          {state.readAt.value && (
            <>
              Read <Moment at={state.readAt.value.toISOString()} />
            </>
          )}{' '}
          <button class="button quiet compact" type="button" onClick={() => void state.refresh()}>
            Refresh
          </button>
        </p>
      </div>
      {edges.length === 0 ? (
        <NoRequests facts={facts} hasKeys={hasKeys} />
      ) : (
        <>
          <RequestTable state={state} facts={facts} />
          <LoadMore state={state} hasMore={pageInfo.hasNextPage} />
        </>
      )}
    </section>
  )
}

function NoRequests({ facts, hasKeys }: Pick<Props, 'facts' | 'hasKeys'>) {
  return (
    <>
      <p class="soft">
        {hasKeys
          ? 'None yet. With your key in the environment, as in '
          : 'None yet. Create a key above, put it into the environment, as in '}
        <code>export SMARTOKEN_API_KEY=sk-st-…</code>, run this, and the request is here with its
        tokens and its cost.
      </p>
      <Sample facts={facts} />
    </>
  )
}

/** The roles are said outright: laid out as cards, the elements alone would lose them. */
function RequestTable({ state, facts }: Pick<Props, 'state' | 'facts'>) {
  return (
    <div class="table-box">
      <table class="carded requests" role="table" aria-labelledby="requests">
        <caption>
          <span class="soft">
            US dollars, exact. Times are in {zone()}. A request is listed once it has ended.
          </span>
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            {['Time and request id', 'Model', 'Result', 'Tokens', 'Cost'].map((title) => (
              <th key={title} role="columnheader" scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {state.requests.value.edges.map(({ node }) => (
            <RequestRows key={node.id} request={node} prices={facts.prices} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function LoadMore({ state, hasMore }: { readonly state: AccountState; readonly hasMore: boolean }) {
  const news = useSignal('')
  const busy = useSignal(false)
  const end = useRef<HTMLParagraphElement>(null)

  async function load(): Promise<void> {
    if (busy.value) return
    busy.value = true
    try {
      const added = await state.loadMore()
      news.value = `${added} more ${added === 1 ? 'request' : 'requests'} added.`
      // The button goes with the last page, and would take the focus with it.
      if (!state.requests.value.pageInfo.hasNextPage) end.current?.focus()
    } catch (error) {
      news.value = messageOf(error)
    } finally {
      busy.value = false
    }
  }

  return (
    <div class="actions">
      {hasMore && (
        <button class="button quiet" type="button" aria-disabled={busy} onClick={() => void load()}>
          Load more
        </button>
      )}
      <p class="soft small" role="status" tabIndex={-1} ref={end}>
        {news}
        {!hasMore && news.value !== '' && ' That is all.'}
      </p>
    </div>
  )
}
