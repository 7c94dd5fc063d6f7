/** What the console is for, and the way in. */
export function SignedOut() {
  return (
    <div class="signed-out">
      <p class="lede">
        Create API keys, see your balance, and read what every request cost and why.
      </p>
      <p class="actions">
        <a class="button" href="/auth/sign-in?return_to=/console">
          Sign in
        </a>
      </p>
      <p class="soft">
        You sign in with your Google identity; there is no password to choose here. If you are new,
        signing in creates your account.
      </p>
      <p class="soft">
        Models, prices and documentation need no account: see the <a href="/models">models</a>, the{' '}
        <a href="/pricing">prices</a> or the <a href="/docs/quickstart">quickstart</a>.
      </p>
    </div>
  )
}
