import { countedVersions, outcomes, tokensPerKilobyte } from '@smartoken/prisma/bill'
import type { FamilyId } from '@smartoken/prisma/catalog'
import { families } from '../catalog/families.ts'

/** How a request can end and what is billed then, as HTML: the table the bill works by. */
export function outcomeTable(): string {
  const rows = Object.entries(outcomes).map(([outcome, { when, billed, upstream }]) => [
    `<code>${outcome}</code> ${escaped(when)}`,
    escaped(billed),
    escaped(upstream),
  ])
  return table(['How it ended', 'Billed', 'The provider’s answer'], rows, 'stacked')
}

/** Tokens per kilobyte by family and version, as HTML. */
export function countedTable(): string {
  const versions = countedVersions.map((version) => `Version ${version}, tokens per kB`)
  const rows = Object.entries(families).map(([family, { name }]) => [
    escaped(name),
    ...countedVersions.map((version) => String(tokensPerKilobyte(version, family as FamilyId))),
  ])
  return table(['Family', ...versions], rows)
}

/** The first cell heads its row. A `stacked` table is a list on a phone, where its cells carry their heads. */
function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  name?: 'stacked',
): string {
  const head = heads.map((text) => `<th scope="col">${escaped(text)}</th>`).join('')
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell, at) => `<td data-label="${escaped(heads[at + 1]!)}">${cell}</td>`)
    return `<tr><th scope="row">${first}</th>${cells.join('')}</tr>`
  })
  const named = name ? ` class="${name}"` : ''
  return `<table${named}><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
