import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A small, sound catalog as its files: what tests change one thing of. */
export const soundFiles: Readonly<Record<string, string>> = {
  'providers.yaml': `
one:
  name: One
  region: international
  env: ONE
  base_url: https://one.example/v1
  pricing_url: https://one.example/prices
`,
  'windows.yaml': `
peak:
  name: Peak
  zone: Asia/Shanghai
  weekdays: [1, 2, 3, 4, 5]
  hours: ['09:00-12:00', '14:00-18:00']
  except: [2026-10-01]
  source: { url: https://one.example/prices, read: 2026-09-01 }
`,
  'exchange.yaml': `
yuan:
  usd: '0.15'
  source: { url: https://one.example/prices, read: 2026-09-01 }
`,
  'models/qwen/small.yaml': `
name: Small
summary: A small model.
sold: true
updated: 2026-09-01
context: 100000
max_output: 8000
default_output: 4000
input: [text]
output: [text]
thinking: optional
thinks_unasked: false
capabilities: [tools]
aliases:
  - id: Maker/Small
    note: Means something else elsewhere.
prices:
  - from: 2026-10-20
    tiers:
      - { up_to: 1000, input: '1.00', cached_input: '0.10', output: '2.00', thinking_output: '6.00' }
      - { input: '3.00', output: '9.00' }
  - from: 2026-09-01
    tiers:
      - { input: '2.00', output: '8.00' }
  - from: 2026-09-01
    window: peak
    tiers:
      - { input: '4.00', output: '16.00' }
routes:
  - provider: one
    upstream_model: small-1
    parameters: { thinking: { type: disabled } }
    costs:
      - from: 2026-10-20
        currency: USD
        source: { url: https://one.example/prices, read: 2026-10-20 }
        tiers:
          - { up_to: 1000, input: '0.50', cached_input: '0.05', output: '1.00', thinking_output: '3.00' }
          - { input: '1.50', output: '4.50' }
      - from: 2026-08-01
        currency: CNY
        source: { url: https://one.example/prices, read: 2026-08-01 }
        tiers:
          - { input: '10.00', output: '40.00' }
      - from: 2026-08-01
        window: peak
        currency: CNY
        source: { url: https://one.example/prices, read: 2026-08-01 }
        tiers:
          - { input: '20.00', output: '80.00' }
sources:
  - { url: https://one.example/models, read: 2026-09-01 }
`,
}

/** Writes files into a folder of the running test's own and answers its path. */
export function writeFiles(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}
