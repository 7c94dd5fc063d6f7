import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type GatewayOptions, type TestGateway } from '../support/gateway.ts'
import { honest } from '../support/hostile/answer.ts'
import {
  startHostileUpstream,
  type Behaviour,
  type Eager,
  type HostileUpstream,
} from '../support/hostile/upstream.ts'
import { whole, type Table } from './expected.ts'
import { ask } from './seen.ts'

/** What a hostile upstream and the gateway before it are at while a table is played. */
export interface Stage {
  readonly gateway: TestGateway
  readonly upstream: HostileUpstream
}

export interface PlayOptions {
  readonly gateway?: GatewayOptions
  /** Kinds and names, as `stream no [DONE]`, that are known to come out otherwise than the table says. */
  readonly defects?: readonly string[]
}

/**
 * Plays every behaviour to a plain request and to a stream, one after another at one gateway: what is seen has to be what
 * the table says; the books have to agree, nothing may be left held or pending, and the next request, to an upstream that
 * behaves, has to be answered and charged as ever.
 */
export function playAll<Behaviours extends Readonly<Record<string, Behaviour | Eager>>>(
  behaviours: Behaviours,
  table: Table<Behaviours>,
  { gateway: options, defects = [] }: PlayOptions = {},
): Stage {
  const stage = {} as { gateway: TestGateway; upstream: HostileUpstream }
  beforeAll(async () => {
    stage.upstream = await startHostileUpstream()
    stage.gateway = await startGateway({
      upstreamUrl: stage.upstream.url,
      retries: { least: Infinity }, // no behaviour is to depend on those before it
      ...options,
    })
    stage.upstream.behave(honest)
    await ask(stage.gateway, 'plain') // so that there is a connection, used before
  })
  afterAll(async () => {
    await stage.gateway.close()
    await stage.upstream.close()
  })

  const cases = (['plain', 'stream'] as const).flatMap((kind) =>
    (Object.keys(behaviours) as (keyof Behaviours & string)[]).map((name) => ({ kind, name })),
  )
  const isDefect = ({ kind, name }: { kind: string; name: string }) =>
    defects.includes(`${kind} ${name}`)
  const play = async ({ kind, name }: (typeof cases)[number]) => {
    const { gateway, upstream } = stage
    upstream.behave(behaviours[name]!)
    const seen = await ask(gateway, kind, () => upstream.hear())
    const breaks = await gateway.breaks()
    const pending = gateway.services.pending.size
    upstream.behave(honest)
    const next = await ask(gateway, kind)
    expect({ breaks, pending, next }).toEqual({ breaks: [], pending: 0, next: whole })
    return seen
  }
  const expected = ({ kind, name }: (typeof cases)[number]) => table[name][kind === 'plain' ? 0 : 1]

  test.each(cases.filter((one) => !isDefect(one)))('$kind: $name', async (one) => {
    expect(await play(one)).toEqual(expected(one))
  })
  test.each(cases.filter(isDefect))('$kind: $name (not yet)', async (one) => {
    expect(await play(one)).not.toEqual(expected(one))
  })
  return stage
}
