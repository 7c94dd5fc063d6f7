/** What a model says, whichever dialect it is said in. */
export interface Said {
  readonly name: string
  readonly reasoning: readonly string[]
  readonly text: readonly string[]
  readonly calls: readonly Call[]
}

export interface Call {
  readonly id: string
  readonly name: string
  /** JSON, in the pieces it is streamed in. */
  readonly arguments: readonly string[]
}

const nothing = { reasoning: [], text: [], calls: [] }

export const sayings: readonly Said[] = [
  { ...nothing, name: 'text', text: ['杭州今天', '有小雨 🌦️，', '18 °C。\n"quoted" \\ [DONE]'] },
  {
    ...nothing,
    name: 'reasoning',
    reasoning: ['先想：17 × 20', ' = 340，\n', '再加 51。'],
    text: ['391', ' <think> it is.'],
  },
  {
    ...nothing,
    name: 'tools',
    calls: [
      { id: 'call_a', name: 'weather', arguments: ['{"city": "杭', '州"', '}'] },
      { id: 'call_b', name: 'clock', arguments: ['{"zone": ', '"Asia/Shanghai"}'] },
    ],
  },
]

/** The tokens of every answer. */
export const PROMPT = 120
export const CACHED = 32
export const ANSWER = 75
export const REASONING = 25

/** Whether a saying's usage tells of reasoning. */
export const reasons = (said: Said): boolean => said.reasoning.length > 0
