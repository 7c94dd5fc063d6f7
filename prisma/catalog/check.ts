import { formatRate } from '../money.ts'
import { checkRows } from './check-rows.ts'
import { margins } from './margin.ts'
import type { Catalog, Model, Provider } from './model.ts'
import type { Problem } from './problem.ts'

type Finding = Omit<Problem, 'file'>

/** An id is a path segment of a page and must survive any folding of case. */
const ID = /^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/
const ALIAS = /^[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$/

const PRINTABLE = /^[ -~]*$/

/** We never sell under cost: how far a price must be above it in every condition, in percent of the cost. */
const FLOOR_PERCENT = 0n

/** What is wrong across files and rows, once each file alone is well formed. */
export function checkCatalog(catalog: Catalog, now: Date): Problem[] {
  return [
    ...checkProviders([...catalog.providers.values()]),
    ...checkNames(catalog.models),
    ...catalog.models.flatMap((model) => checkModel(catalog, model, now)),
  ]
}

function checkProviders(providers: readonly Provider[]): Problem[] {
  return providers
    .filter(({ env }, at) => providers.findIndex((other) => other.env === env) !== at)
    .map(({ id, env }) => ({
      file: 'providers.yaml',
      field: `${id}.env`,
      reason: `${env} is already another provider's`,
    }))
}

/** Ids and aliases are one namespace, whatever their case. */
function checkNames(models: readonly Model[]): Problem[] {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  const claim = (model: Model, name: string, field: string | undefined) => {
    const owner = taken.get(name.toLowerCase())
    taken.set(name.toLowerCase(), owner ?? model.id)
    if (owner === undefined) return
    problems.push({ file: fileOf(model), field, reason: `"${name}" already names ${owner}` })
  }
  for (const model of models) {
    if (!ID.test(model.id)) {
      const reason = `"${model.id}" may have lower-case letters, digits, dots and dashes only`
      problems.push({ file: fileOf(model), field: undefined, reason })
    }
    claim(model, model.id, undefined)
  }
  for (const model of models) {
    for (const [at, { id, note }] of model.aliases.entries()) {
      const field = `aliases[${at}].id`
      if (note !== undefined && !PRINTABLE.test(note)) {
        const reason = 'must be printable ASCII: answers have it in a header'
        problems.push({ file: fileOf(model), field: `aliases[${at}].note`, reason })
      }
      if (!ALIAS.test(id)) {
        const reason = 'may have letters, digits and . _ : / - only'
        problems.push({ file: fileOf(model), field, reason })
      }
      claim(model, id, field)
    }
  }
  return problems
}

function checkModel(catalog: Catalog, model: Model, now: Date): Problem[] {
  const file = fileOf(model)
  const findings = [
    ...checkLimits(model),
    ...checkRoutes(catalog, model),
    ...checkRows(catalog, 'prices', model.prices, { mayBeZero: false }),
    ...model.routes.flatMap(({ costs }, at) =>
      checkRows(catalog, `routes[${at}].costs`, costs, { mayBeZero: true }),
    ),
    ...checkSold(model, now),
    ...checkDeprecation(catalog, model),
  ]
  // Margins of rows that are themselves broken would only repeat the finding.
  if (findings.length === 0) findings.push(...checkMargins(catalog, model))
  return findings.map((finding) => ({ file, ...finding }))
}

function checkLimits({ context, maxOutput, defaultOutput }: Model): Finding[] {
  const findings: Finding[] = []
  if (maxOutput > context) {
    findings.push({ field: 'max_output', reason: `must not exceed the context of ${context}` })
  }
  if (defaultOutput > maxOutput) {
    findings.push({ field: 'default_output', reason: `must not exceed max_output, ${maxOutput}` })
  }
  return findings
}

function checkRoutes(catalog: Catalog, { routes }: Model): Finding[] {
  return routes.flatMap(({ id, provider }, at) => {
    const findings: Finding[] = []
    if (!catalog.providers.has(provider)) {
      const reason = `"${provider}" is not in providers.yaml`
      findings.push({ field: `routes[${at}].provider`, reason })
    }
    if (routes.findIndex((other) => other.id === id) !== at) {
      findings.push({ field: `routes[${at}]`, reason: `repeats the route ${id}` })
    }
    return findings
  })
}

function checkSold({ sold, prices, routes }: Model, now: Date): Finding[] {
  if (!sold) return []
  const findings: Finding[] = []
  if (!prices.some(({ from }) => from <= now)) {
    findings.push({ field: 'prices', reason: 'a model that is sold needs a price that has begun' })
  }
  if (routes.length === 0) {
    findings.push({ field: 'routes', reason: 'a model that is sold needs a route' })
  }
  return findings
}

function checkDeprecation({ models }: Catalog, { id, deprecation }: Model): Finding[] {
  if (!deprecation) return []
  const { successor } = deprecation
  if (successor !== id && models.some((model) => model.sold && model.id === successor)) return []
  return [
    { field: 'deprecation.successor', reason: `"${successor}" is no other model that is sold` },
  ]
}

function checkMargins(catalog: Catalog, model: Model): Finding[] {
  const findings: Finding[] = []
  const earliest = model.prices.at(-1)?.from
  for (const [at, { id, costs }] of model.routes.entries()) {
    const first = costs.at(-1)?.from
    if (earliest && first && first > earliest) {
      const reason = `the route ${id} has no cost for ${day(earliest)}, when the oldest price begins`
      findings.push({ field: `routes[${at}].costs`, reason })
    }
  }
  for (const { field, route, price, cost } of margins(catalog, model)) {
    if (price * 100n >= cost * (100n + FLOOR_PERCENT)) continue
    const reason = `$${formatRate(price)} is below what ${route} costs, $${formatRate(cost)}`
    findings.push({ field, reason })
  }
  return findings
}

const fileOf = ({ family, id }: Model): string => `models/${family}/${id}.yaml`

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}
