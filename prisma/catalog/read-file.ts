import { parseDocument } from 'yaml'
import type { z } from 'zod'
import type { Problem } from './problem.ts'
import { kindOf } from './schema.ts'

/** Parses one YAML file. What is wrong with it is added to `problems`, and the answer is then `undefined`. */
export function parseFile<Schema extends z.ZodType>(
  file: string,
  content: string,
  schema: Schema,
  problems: Problem[],
): z.infer<Schema> | undefined {
  const document = parseDocument(content, { uniqueKeys: true })
  if (document.errors.length > 0) {
    for (const error of document.errors) {
      const at = error.linePos?.[0]
      const place = at ? ` (line ${at.line}, column ${at.col})` : ''
      const reason = `is not valid YAML: ${error.message.split('\n')[0]?.replace(/ at line.*$/, '')}${place}`
      problems.push({ file, field: undefined, reason })
    }
    return undefined
  }
  const result = schema.safeParse(document.toJS(), { error: inPlainWords })
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    problems.push({ file, field: fieldOf(issue.path), reason: issue.message })
  }
  return undefined
}

/** `['prices', 0, 'tiers', 1, 'output']` → `prices[0].tiers[1].output`; the file itself → `undefined`. */
function fieldOf(path: readonly PropertyKey[]): string | undefined {
  const field = path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    '',
  )
  return field || undefined
}

function inPlainWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing'
      return `must be ${expected(issue.expected)}, not ${kindOf(issue.input)}`
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing'
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`
    default:
      return undefined
  }
}

function expected(type: string): string {
  if (type === 'string') return 'text'
  if (type === 'array') return 'a list'
  if (type === 'object' || type === 'record') return 'a group of fields'
  return type === 'boolean' ? 'true or false' : `a ${type}`
}
