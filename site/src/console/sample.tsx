import { chatSamples } from '../samples/chat-samples.ts'
import type { ConsoleFacts } from './console-facts.ts'
import { CopyButton } from './copy-button.tsx'

interface Props {
  readonly facts: ConsoleFacts
  /** Put into the command; without it the command takes the key from the environment. */
  readonly secret?: string
}

/** The sample call of the public pages, to copy into a terminal. */
export function Sample({ facts: { baseUrl, sampleModel }, secret }: Props) {
  const [curl] = chatSamples({ baseUrl, model: sampleModel })
  if (!curl) return null
  const command = secret ? curl.code.replaceAll('$SMARTOKEN_API_KEY', secret) : curl.code
  return (
    <div class="sample">
      <pre
        tabIndex={0}
        role="group"
        aria-label={secret ? 'Sample call with your key' : 'Sample call'}
      >
        <code>{command}</code>
      </pre>
      <CopyButton label="Copy curl" text={command} />
    </div>
  )
}
