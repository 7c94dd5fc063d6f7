import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

const SAID_FOR_MS = 4_000

interface Props {
  readonly label: string
  readonly text: string
}

/** Copies a text, and says whether that worked: a browser may refuse. */
export function CopyButton({ label, text }: Props) {
  const said = useSignal('')

  useEffect(() => {
    const timer = setTimeout(() => (said.value = ''), SAID_FOR_MS)
    return () => clearTimeout(timer)
  }, [said.value])

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      said.value = 'Copied'
    } catch {
      said.value = 'The browser refused: select it and copy it by hand.'
    }
  }

  return (
    <span class="copy">
      <button class="button quiet compact" type="button" onClick={() => void copy()}>
        {label}
      </button>
      <span role="status">{said}</span>
    </span>
  )
}
