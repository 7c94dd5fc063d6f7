/** The tags around reasoning: MiniMax's, and those its M3 writes where its host leaves them. */
const TAGS = [
  ['<think>', '</think>'],
  ['<mm:think>', '</mm:think>'],
] as const

export interface SplitText {
  readonly reasoning: string
  readonly content: string
}

/**
 * Takes reasoning out of a text that begins with it, between tags, as the text comes: a tag may be cut anywhere. Tags further
 * on are text. Blank lines around the reasoning belong to neither.
 */
export class ThinkSplitter {
  #state: 'start' | 'thinking' | 'gap' | 'text' = 'start'
  #close = ''
  #begun = false
  /** What may turn out to be a part of a tag, or blank. */
  #pending = ''

  /** Whether all that comes now is text. */
  get done(): boolean {
    return this.#state === 'text'
  }

  push(text: string): SplitText {
    this.#pending += text
    if (this.#state === 'start') this.#start()
    const reasoning = this.#state === 'thinking' ? this.#think() : ''
    if (this.#state === 'gap') this.#skip()
    return { reasoning, content: this.#state === 'text' ? this.#take() : '' }
  }

  /** What is left when no more comes. */
  end(): SplitText {
    const rest = this.#state === 'gap' ? '' : this.#take()
    const isReasoning = this.#state === 'thinking'
    this.#state = 'text'
    return { reasoning: isReasoning ? rest : '', content: isReasoning ? '' : rest }
  }

  #start(): void {
    const text = this.#pending.trimStart()
    const found = TAGS.find(([open]) => text.startsWith(open))
    if (found) {
      this.#pending = text.slice(found[0].length)
      this.#close = found[1]
      this.#state = 'thinking'
    } else if (!TAGS.some(([open]) => open.startsWith(text))) this.#state = 'text'
  }

  #think(): string {
    if (!this.#begun) this.#pending = this.#pending.trimStart()
    const at = this.#pending.indexOf(this.#close)
    const keptFrom = at === -1 ? this.#pending.length - this.#uncertain() : at
    const reasoning = this.#pending.slice(0, keptFrom)
    this.#begun ||= reasoning !== ''
    this.#pending = this.#pending.slice(at === -1 ? keptFrom : at + this.#close.length)
    if (at !== -1) this.#state = 'gap'
    return at === -1 ? reasoning : reasoning.trimEnd()
  }

  /** How much of the end may be blank before a closing tag, or a part of one. */
  #uncertain(): number {
    let length = Math.min(this.#close.length - 1, this.#pending.length)
    while (!this.#close.startsWith(this.#pending.slice(this.#pending.length - length))) length -= 1
    const before = this.#pending.slice(0, this.#pending.length - length)
    return this.#pending.length - before.trimEnd().length
  }

  #skip(): void {
    this.#pending = this.#pending.trimStart()
    if (this.#pending !== '') this.#state = 'text'
  }

  #take(): string {
    const taken = this.#pending
    this.#pending = ''
    return taken
  }
}
