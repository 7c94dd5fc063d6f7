import { html } from 'hono/html'

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:15vh auto;padding:0 1rem}' +
  'label{display:block;margin:1.5rem 0 1rem}input,button{font:inherit;padding:.5rem .75rem}input{width:100%;box-sizing:border-box}'

/** Asks who to be. Any name does. */
export const loginPage = () =>
  html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <title>Development sign-in</title>
      <style>
        ${STYLE}
      </style>
      <h1>Development sign-in</h1>
      <p>
        This stands in for the identity provider on this machine. Any name will do; each is an
        account of its own.
      </p>
      <form method="post">
        <label>Name <input name="name" value="demo" required maxlength="100" autofocus /></label>
        <button name="answer" value="sign-in">Sign in</button>
        <button name="answer" value="cancel" formnovalidate>Cancel</button>
      </form>
    </html>`
