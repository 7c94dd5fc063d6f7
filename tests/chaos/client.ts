import { type IncomingMessage, request } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import type { Plan } from './plan.ts'

/** How a request ended, as its client saw it. */
export type End =
  /** `[DONE]`, or a whole plain answer. */
  | 'whole'
  /** Refused, or ended by an error event. */
  | 'error'
  | 'cut'
  /** The client went away itself, or lost patience. */
  | 'left'
  | 'unreachable'

/** What a client saw of one request. */
export interface Seen {
  readonly plan: Plan
  requestId: string | undefined
  status: number | undefined
  end: End
  /** The charge in dollars that a receipt or a header told. */
  cost: string | undefined
  /** Text bytes of the answer. */
  textBytes: number
  finishReason: string | undefined
  errorCode: string | undefined
}

interface Target {
  readonly url: string
  readonly secret: string
  readonly patienceMs: number
}

const SLOW_MS = 15

/** Sends a plan's request, reads as its manner is, and tells what was seen. Never throws. */
export function send({ url, secret, patienceMs }: Target, plan: Plan): Promise<Seen> {
  const seen: Seen = {
    plan,
    requestId: undefined,
    status: undefined,
    end: 'unreachable',
    cost: undefined,
    textBytes: 0,
    finishReason: undefined,
    errorCode: undefined,
  }
  return new Promise((resolve) => {
    const outgoing = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      timeout: patienceMs,
      headers: {
        authorization: `Bearer ${secret}`,
        'content-type': 'application/json',
        'user-agent': `chaos/${plan.id}`,
      },
    })
    let left = false
    const leave = (): void => {
      left = true
      outgoing.destroy()
    }
    const over = (): void => {
      if (left && seen.end !== 'whole' && seen.end !== 'error') seen.end = 'left'
      resolve(seen)
    }
    outgoing.on('timeout', leave)
    outgoing.on('error', () => {})
    outgoing.on('close', over)
    outgoing.on('response', (incoming) => watch(incoming, seen, leave))
    if (plan.manner === 'leaves early') setTimeout(leave, plan.leavesAt % 200).unref()
    outgoing.end(bodyOf(plan))
  })
}

const bodyOf = ({ model, prompt, stream, maxTokens }: Plan): string =>
  JSON.stringify({
    model,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content: prompt }],
    ...(stream && { stream, stream_options: { include_usage: true } }),
  })

/** Takes in an answer. */
function watch(incoming: IncomingMessage, seen: Seen, leave: () => void): void {
  const { plan } = seen
  seen.status = incoming.statusCode!
  seen.requestId = incoming.headers['x-request-id'] as string | undefined
  seen.end = 'cut'
  const cost = incoming.headers['x-smartoken-cost'] as string | undefined
  const decoder = new StringDecoder('utf8')
  const streamed = incoming.headers['content-type']?.startsWith('text/event-stream') ?? false
  let text = ''
  incoming.on('data', (bytes: Buffer) => {
    text += decoder.write(bytes)
    if (streamed) text = takeFrames(text, seen)
    if (plan.manner === 'leaves' && seen.textBytes >= plan.leavesAt) leave()
    if (plan.manner === 'reads slowly') {
      incoming.pause()
      setTimeout(() => incoming.resume(), SLOW_MS)
    }
  })
  incoming.on('error', () => {})
  incoming.on('end', () => {
    if (!incoming.complete || streamed) return
    takeWhole(text, seen)
    seen.cost = cost
  })
}

function takeWhole(text: string, seen: Seen): void {
  const body = JSON.parse(text) as Whole
  seen.end = body.error ? 'error' : 'whole'
  seen.errorCode = body.error?.code
  seen.textBytes = Buffer.byteLength(body.choices?.[0]?.message?.content ?? '')
}

/** Reads whole events, returns what is left. */
function takeFrames(text: string, seen: Seen): string {
  const frames = text.split('\n\n')
  for (const frame of frames.slice(0, -1)) takeFrame(frame, seen)
  return frames.at(-1)!
}

function takeFrame(frame: string, seen: Seen): void {
  if (frame.startsWith(': receipt ')) {
    const receipt = JSON.parse(frame.slice(': receipt '.length)) as { charge_usd: string }
    seen.cost = receipt.charge_usd
  } else if (frame === 'data: [DONE]') seen.end = 'whole'
  else if (frame.startsWith('data: ')) takeChunk(JSON.parse(frame.slice(6)) as Whole, seen)
}

function takeChunk({ error, choices }: Whole, seen: Seen): void {
  if (error) {
    seen.end = 'error'
    seen.errorCode = error.code
  }
  seen.textBytes += Buffer.byteLength(choices?.[0]?.delta?.content ?? '')
  seen.finishReason = choices?.[0]?.finish_reason ?? seen.finishReason
}

/** A chat completion, or one event of it, or an error. */
interface Whole {
  readonly error?: { readonly code: string }
  readonly choices?: readonly {
    readonly message?: { readonly content?: string }
    readonly delta?: { readonly content?: string }
    readonly finish_reason?: string | null
  }[]
}
