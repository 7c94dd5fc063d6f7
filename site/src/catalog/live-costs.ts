import type { CostRow } from '@smartoken/prisma/catalog'

/** The provider's rows of the newest `from` that has come: one, or one a window. */
export function liveCosts(costs: readonly CostRow[], at: Date): readonly CostRow[] {
  const from = Math.max(...costs.map((cost) => +cost.from).filter((time) => time <= +at))
  return costs.filter((cost) => +cost.from === from)
}
