import { dollars } from './format.ts'
import type { Wallet } from './operations.ts'

/** What new requests can use, large; what it is made of, beside it. */
export function Balance({ wallet }: { readonly wallet: Wallet }) {
  const parts = [
    ['Posted', wallet.posted, 'All there is: paid and promo together.'],
    [
      'Held',
      wallet.held,
      'Set aside for requests that are running; what they do not use comes back.',
    ],
    ['Paid', wallet.paid, 'What you put in. Spent after promo.'],
    ['Promo', wallet.promo, 'Given to you. Spent first; as a rule it cannot be withdrawn.'],
  ] as const

  return (
    <section class="section" aria-labelledby="balance">
      <h2 id="balance">Balance</h2>
      <div class="balance">
        <dl class="available">
          <dt>Available</dt>
          <dd>{dollars(wallet.available)}</dd>
        </dl>
        <dl class="facts">
          {parts.map(([name, amount, note]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {dollars(amount)} <span class="note-below">{note}</span>
              </dd>
            </div>
          ))}
        </dl>
      </div>
      {isNothing(wallet.available) && (
        <p class="notice">
          Nothing is available, so requests are refused with status 402, at no cost. How to add
          balance is in <a href="/faq#billing">billing and credits</a>.
        </p>
      )}
    </section>
  )
}

const isNothing = (amount: string): boolean => /^[0.]+$/.test(amount)
