import type { TestApi } from './start-api.ts'

/** Keeps cookies by host and port, and follows no redirect by itself. */
export interface Browser {
  readonly cookies: Map<string, Map<string, string>>
  cookiesOf(url: string): Map<string, string>
  get(url: string | URL): Promise<Response>
  post(
    url: string | URL,
    init?: { headers?: Record<string, string>; body?: string },
  ): Promise<Response>
}

export function createBrowser(): Browser {
  const cookies = new Map<string, Map<string, string>>()

  function cookiesOf(url: string): Map<string, string> {
    const { host } = new URL(url)
    const jar = cookies.get(host) ?? new Map<string, string>()
    cookies.set(host, jar)
    return jar
  }

  async function send(url: string | URL, init: RequestInit): Promise<Response> {
    const jar = cookiesOf(String(url))
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }

  return {
    cookies,
    cookiesOf,
    get: (url) => send(url, { method: 'GET' }),
    post: (url, { headers, body } = {}) => send(url, { method: 'POST', headers, body }),
  }
}

/** Where a redirect leads. */
export const locationOf = (response: Response): URL =>
  new URL(response.headers.get('location') ?? '', response.url)

/** Begins to sign in: the identity provider's address the browser is sent to. */
export async function begin(api: TestApi, browser: Browser, returnTo?: string): Promise<URL> {
  const url = new URL('/auth/sign-in', api.url)
  if (returnTo !== undefined) url.searchParams.set('return_to', returnTo)
  return locationOf(await browser.get(url))
}

/** Goes through the identity provider as `name`, or cancels there; returns the callback it sends the browser to. */
export async function passProvider(
  browser: Browser,
  authorize: URL,
  name: string | null,
): Promise<URL> {
  const login = locationOf(await browser.get(authorize))
  const form = name === null ? { name: 'demo', answer: 'cancel' } : { name, answer: 'sign-in' }
  const answered = await browser.post(login, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  return locationOf(await browser.get(locationOf(answered)))
}

/** A browser that is signed in as `name`. */
export async function signIn(
  api: TestApi,
  name: string,
  browser = createBrowser(),
): Promise<Browser> {
  const callback = await passProvider(browser, await begin(api, browser), name)
  const response = await browser.get(callback)
  if (response.status !== 302) throw new Error(`signing in as ${name} gave ${response.status}`)
  return browser
}

export interface Answer<Data> {
  readonly status: number
  readonly data: Data
  readonly errors?: readonly {
    readonly message: string
    readonly extensions?: { readonly code?: string }
  }[]
}

/** Asks GraphQL as the console does. The caller knows what it asked for, and so the shape of `data`. */
export async function ask<Data>(
  api: TestApi,
  browser: Browser,
  query: string,
  variables?: object,
): Promise<Answer<Data>> {
  const response = await browser.post(`${api.url}/graphql`, {
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      'x-graphql-yoga-csrf': '1',
    },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...((await response.json()) as Omit<Answer<Data>, 'status'>) }
}

export const codesOf = ({ errors }: Answer<unknown>): (string | undefined)[] =>
  (errors ?? []).map(({ extensions }) => extensions?.code)
