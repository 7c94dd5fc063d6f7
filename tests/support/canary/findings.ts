import { secrets, type Secret } from './canaries.ts'

/** What is shown of where a secret was found: enough to find the place, not a second leak. */
const AROUND = 60

/** A secret somewhere it does not belong. */
export interface Finding {
  readonly secret: Secret
  readonly where: string
  readonly around: string
}

/** The secrets in a text, of those that do not belong there. */
export function findIn(text: string, where: string, unwanted: readonly Secret[]): Finding[] {
  return unwanted.flatMap((secret) => {
    const found = secrets[secret].exec(text)
    if (!found) return []
    const around = text.slice(Math.max(0, found.index - AROUND), found.index)
    return [{ secret, where, around }]
  })
}

/** @throws telling every finding */
export function refuse(findings: readonly Finding[]): void {
  if (findings.length === 0) return
  const lines = findings.map(
    ({ secret, where, around }) => `${secret} in ${where}, behind ${JSON.stringify(around)}`,
  )
  throw new Error(`secrets were found where they do not belong:\n${lines.join('\n')}`)
}
