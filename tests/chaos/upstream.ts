import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { startUpstream, event, type TestUpstream } from '../support/upstream.ts'
import { promptTokensOf, type Plan } from './plan.ts'

/** What the upstream did for one call: the truth that bills are held against. */
export interface Served {
  readonly plan: Plan
  /** The limit it was sent, tokens. */
  readonly limit: number
  /** Tokens it has generated. */
  tokens: number
  /** Whether it has reported usage, and whether that was true. */
  reported: 'nothing' | 'truth' | 'nonsense'
}

/** An upstream that does what each request's plan says, and remembers it. */
export interface ChaosUpstream extends Pick<TestUpstream, 'url' | 'close'> {
  readonly served: readonly Served[]
}

/** Starts it; `planOf` finds the plan a prompt names. */
export async function startChaosUpstream(planOf: (id: number) => Plan): Promise<ChaosUpstream> {
  const served: Served[] = []
  const upstream = await startUpstream()
  upstream.behave(async (out, { body }) => {
    const [{ content }] = body['messages'] as [{ content: string }]
    const plan = planOf(Number(/^chaos (\d+) /.exec(content)![1]))
    const limit = Number(body['max_tokens'] ?? body['max_completion_tokens'])
    const call: Served = { plan, limit, tokens: 0, reported: 'nothing' }
    served.push(call)
    await wait(plan.firstMs)
    if (plan.course === 'refuses') out.writeHead(503).end('{"error":{"message":"overloaded"}}')
    else await (plan.stream ? stream(out, call) : answer(out, call))
  })
  return { url: upstream.url, close: () => upstream.close(), served }
}

async function answer(out: ServerResponse, call: Served): Promise<void> {
  const { plan } = call
  call.tokens = Math.min(plan.tokens, call.limit)
  const usage = usageOf(call)
  const message = { role: 'assistant', content: plan.letters.repeat(call.tokens) }
  const whole = JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage })
  out.writeHead(200, { 'content-type': 'application/json' })
  if (plan.course !== 'breaks') return void out.end(whole)
  out.write(whole.slice(0, whole.length / 2))
  await wait(plan.pauseMs)
  out.destroy()
}

async function stream(out: ServerResponse, call: Served): Promise<void> {
  const { plan } = call
  const most = Math.min(plan.tokens, call.limit)
  const until = plan.course === 'breaks' ? Math.min(plan.breaksAt, most) : most
  out.writeHead(200, { 'content-type': 'text/event-stream' })
  while (call.tokens < until && !out.destroyed) {
    const tokens = Math.min(plan.tokensPerChunk, until - call.tokens)
    call.tokens += tokens
    await send(out, plan, chunk({ content: plan.letters.repeat(tokens) }))
    await wait(plan.pauseMs)
  }
  if (out.destroyed) return
  if (plan.course === 'breaks') return void out.destroy()
  await send(out, plan, chunk({}, most < plan.tokens ? 'length' : 'stop'))
  const usage = usageOf(call)
  if (usage) await send(out, plan, event({ choices: [], usage }))
  out.end(event('[DONE]'))
}

const chunk = (delta: object, finish_reason: string | null = null): string =>
  event({ choices: [{ index: 0, delta, finish_reason }] })

/** Waits for the reader, as a provider does whose connection is full. */
async function send(out: ServerResponse, { torn }: Plan, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  const cut = torn ? Math.ceil(bytes.length / 3) : bytes.length
  for (let at = 0; at < bytes.length; at += cut) {
    if (out.destroyed) return
    if (!out.write(bytes.subarray(at, at + cut))) await drained(out)
  }
}

const drained = (out: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      out.off('drain', done)
      out.off('close', done)
      resolve()
    }
    out.once('drain', done)
    out.once('close', done)
  })

function usageOf(call: Served): object | undefined {
  const { plan, tokens, limit } = call
  if (plan.course === 'omits usage') return undefined
  const truth = {
    prompt_tokens: promptTokensOf(plan.prompt),
    completion_tokens: tokens,
    prompt_tokens_details: { cached_tokens: plan.cached },
  }
  call.reported = plan.course === 'implausible usage' ? 'nonsense' : 'truth'
  if (call.reported === 'truth') return truth
  const nonsense = [
    { ...truth, prompt_tokens: 1_000_000 },
    { ...truth, completion_tokens: limit + 1 },
    { ...truth, completion_tokens: -1 },
    { ...truth, prompt_tokens: 'many' },
    { ...truth, prompt_tokens_details: { cached_tokens: truth.prompt_tokens + 1 } },
  ]
  return nonsense[plan.id % nonsense.length]
}
