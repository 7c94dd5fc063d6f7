import { expect, test } from 'vitest'
import { soundFiles, writeFiles } from './catalog.fixture.ts'
import { CatalogError, loadCatalog, margins } from './index.ts'

const NOW = new Date('2026-11-01T00:00:00Z')
const MODEL = 'models/qwen/small.yaml'

const load = (files: Readonly<Record<string, string>>) => loadCatalog(writeFiles(files), NOW)

/** The sound files with one piece of text exchanged, in every place where it stands. */
function having(file: string, before: string, after: string): Record<string, string> {
  const content = soundFiles[file] ?? ''
  expect(content).toContain(before)
  return { ...soundFiles, [file]: content.replaceAll(before, after) }
}

function problemsOf(files: Readonly<Record<string, string>>): string[] {
  try {
    load(files)
  } catch (error) {
    if (error instanceof CatalogError) return error.message.split('\n').slice(1)
    throw error
  }
  return []
}

test('a sound catalog is loaded with every rate filled in and every row named', () => {
  const catalog = load(soundFiles)
  const [model] = catalog.models
  expect(model).toMatchObject({ id: 'small', family: 'qwen', maxOutput: 8000, defaultOutput: 4000 })
  expect(model?.prices.map(({ id }) => id)).toEqual([
    'small/2026-10-20',
    'small/2026-09-01',
    'small/2026-09-01/peak',
  ])
  expect(model?.prices[0]?.tiers[0]).toEqual({
    upTo: 1000,
    rates: {
      input: 1_000_000n,
      cachedInput: 100_000n,
      cacheWrite: 1_000_000n,
      output: 2_000_000n,
      thinkingOutput: 6_000_000n,
    },
  })
  expect(model?.prices[0]?.tiers[1]?.rates).toMatchObject({
    cachedInput: 3_000_000n,
    thinkingOutput: 9_000_000n,
  })
  expect(model?.routes[0]).toMatchObject({
    id: 'one/small-1',
    parameters: { thinking: { type: 'disabled' } },
  })
  expect(catalog.yuan.nanoUsd).toBe(150_000_000n)
  expect(catalog.windows.get('peak')?.hours).toEqual([
    { from: 540, until: 720 },
    { from: 840, until: 1080 },
  ])
})

test('the digest changes with any file and with nothing else', () => {
  const { digest } = load(soundFiles)
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  expect(load(soundFiles).digest).toBe(digest)
  expect(load(having(MODEL, 'name: Small', 'name: Smaller')).digest).not.toBe(digest)
})

const other = (soundFiles[MODEL] ?? '').replace('Maker/Small', 'Maker/Other')

test.each<[string, Record<string, string>, string]>([
  [
    'thinking that can be asked for, without a word on when it is not',
    having(MODEL, 'thinks_unasked: false\n', ''),
    `${MODEL}: thinks_unasked: is for models whose thinking is optional, and needed there`,
  ],
  [
    'thinking unasked of a model that never does',
    having(MODEL, 'thinking: optional', 'thinking: none'),
    `${MODEL}: thinks_unasked: is for models whose thinking is optional, and needed there`,
  ],
  [
    'a price that is a number',
    having(MODEL, "output: '9.00'", 'output: 9'),
    `${MODEL}: prices[0].tiers[1].output: must be a decimal string such as "0.28", not a number`,
  ],
  [
    'a price with a comma',
    having(MODEL, "'9.00'", "'9,00'"),
    `${MODEL}: prices[0].tiers[1].output: must be a decimal string such as "0.28" with at most 6 places, and not negative`,
  ],
  [
    'a negative price',
    having(MODEL, "'9.00'", "'-9.00'"),
    `${MODEL}: prices[0].tiers[1].output: must be a decimal string such as "0.28" with at most 6 places, and not negative`,
  ],
  [
    'a price that is left out',
    having(MODEL, "input: '3.00', output: '9.00'", "input: '3.00'"),
    `${MODEL}: prices[0].tiers[1].output: is missing`,
  ],
  [
    'a price of zero',
    having(MODEL, "cached_input: '0.10'", "cached_input: '0.00'"),
    `${MODEL}: prices[0].tiers[0].cached_input: must be above zero`,
  ],
  [
    'a price that lost its decimal point',
    having(MODEL, "'9.00'", "'9000.00'"),
    `${MODEL}: prices[0].tiers[1].output: 9000.00 per million tokens is past any real price`,
  ],
  [
    'a price under cost in one class of one tier',
    having(MODEL, "thinking_output: '6.00'", "thinking_output: '2.99'"),
    `${MODEL}: prices[0].tiers[0].thinking_output: $2.99 is below what one/small-1 costs, $3.00`,
  ],
  [
    'a price under cost by the rate of exchange',
    having('exchange.yaml', "'0.15'", "'0.21'"),
    `${MODEL}: prices[1].tiers[0].input: $2.00 is below what one/small-1 costs, $2.10`,
  ],
  [
    'a price without a window where the cost has one',
    having(
      MODEL,
      "    window: peak\n    tiers:\n      - { input: '4.00'",
      "    window: off\n    tiers:\n      - { input: '4.00'",
    ),
    `${MODEL}: prices[2].window: "off" is not in windows.yaml`,
  ],
  [
    'a window without a base row of the same day',
    having(
      MODEL,
      "  - from: 2026-09-01\n    tiers:\n      - { input: '2.00', output: '8.00' }\n",
      '',
    ),
    `${MODEL}: prices[1].window: needs a row without a window for the same day, for all other hours`,
  ],
  [
    'tiers out of order',
    having(
      MODEL,
      "- { input: '3.00'",
      "- { up_to: 500, input: '2.00', output: '9.00' }\n      - { input: '3.00'",
    ),
    `${MODEL}: prices[0].tiers[1].up_to: must be above the end of the tier before it, 1000`,
  ],
  [
    'a last tier with an end',
    having(MODEL, "- { input: '3.00'", "- { up_to: 5000, input: '3.00'"),
    `${MODEL}: prices[0].tiers[1].up_to: the last tier is for all longer prompts and has no end`,
  ],
  [
    'a first tier without an end',
    having(MODEL, "up_to: 1000, input: '1.00'", "input: '1.00'"),
    `${MODEL}: prices[0].tiers[0].up_to: only the last tier may be without an end`,
  ],
  [
    'a day that no calendar has',
    having(MODEL, 'from: 2026-10-20', 'from: 2026-02-30'),
    `${MODEL}: prices[0].from: must be a date of the calendar such as 2026-11-20`,
  ],
  [
    'rows out of order',
    having(MODEL, '  - from: 2026-10-20\n    tiers', '  - from: 2026-08-20\n    tiers'),
    `${MODEL}: prices[1].from: rows go from the newest to the oldest`,
  ],
  [
    'a row twice',
    having(MODEL, '  - from: 2026-10-20\n    tiers', '  - from: 2026-09-01\n    tiers'),
    `${MODEL}: prices[1].from: repeats a row of the same day and window`,
  ],
  [
    'a sold model without a price',
    having(
      MODEL,
      (soundFiles[MODEL] ?? '').split('prices:')[1]?.split('routes:')[0] ?? '',
      ' []\n',
    ),
    `${MODEL}: prices: a model that is sold needs a price that has begun`,
  ],
  [
    'a price older than any cost',
    having(MODEL, 'from: 2026-08-01', 'from: 2026-09-02'),
    `${MODEL}: routes[0].costs: the route one/small-1 has no cost for 2026-09-01, when the oldest price begins`,
  ],
  [
    'a provider nobody knows',
    having(MODEL, 'provider: one', 'provider: two'),
    `${MODEL}: routes[0].provider: "two" is not in providers.yaml`,
  ],
  [
    'a variable of two providers',
    {
      ...soundFiles,
      'providers.yaml': `${soundFiles['providers.yaml']}${soundFiles['providers.yaml']?.replace('one:', 'two:')}`,
    },
    "providers.yaml: two.env: ONE is already another provider's",
  ],
  [
    'a sold model without a route',
    having(
      MODEL,
      (soundFiles[MODEL] ?? '').split('routes:')[1]?.split('sources:')[0] ?? '',
      ' []\n',
    ),
    `${MODEL}: routes: a model that is sold needs a route`,
  ],
  [
    'a mistyped field',
    having(MODEL, 'max_output:', 'max_ouput:'),
    `${MODEL}: has unknown fields: max_ouput`,
  ],
  [
    'a field twice',
    having(MODEL, 'name: Small', 'name: Small\nname: Large'),
    `${MODEL}: is not valid YAML: Map keys must be unique (line 3, column 1)`,
  ],
  [
    'a limit past the context',
    having(MODEL, 'max_output: 8000', 'max_output: 800000'),
    `${MODEL}: max_output: must not exceed the context of 100000`,
  ],
  [
    'an unknown modality',
    having(MODEL, 'input: [text]', 'input: [smell]'),
    `${MODEL}: input[0]: must be one of text, image, audio, video`,
  ],
  [
    'an id with capitals',
    { ...soundFiles, 'models/qwen/Other.yaml': other },
    'models/qwen/Other.yaml: "Other" may have lower-case letters, digits, dots and dashes only',
  ],
  [
    'an id in two families',
    { ...soundFiles, 'models/glm/small.yaml': other },
    'models/glm/small.yaml: "small" already names small',
  ],
  [
    'an alias that is the id of another model',
    { ...soundFiles, 'models/qwen/other.yaml': other.replace('Maker/Other', 'SMALL') },
    'models/qwen/other.yaml: aliases[0].id: "SMALL" already names small',
  ],
  [
    'an alias of two models',
    { ...soundFiles, 'models/qwen/zother.yaml': other.replace('Maker/Other', 'maker/small') },
    'models/qwen/zother.yaml: aliases[0].id: "maker/small" already names small',
  ],
  [
    'a note that no header takes',
    having(MODEL, 'Means something', 'Means – something'),
    `${MODEL}: aliases[0].note: must be printable ASCII: answers have it in a header`,
  ],
  ...['small', 'gone'].map((successor): [string, Record<string, string>, string] => [
    `a successor that is ${successor}`,
    having(MODEL, 'prices:', `deprecation: { date: 2027-01-01, successor: ${successor} }\nprices:`),
    `${MODEL}: deprecation.successor: "${successor}" is no other model that is sold`,
  ]),
  [
    'a family nobody knows',
    { ...soundFiles, 'models/llama/other.yaml': other },
    'models/llama/other.yaml: is not models/<family>/<id>.yaml, where the family is one of deepseek, qwen, kimi, glm, doubao, minimax',
  ],
  [
    'a file that is no model',
    { ...soundFiles, 'models/qwen/notes.txt': 'later' },
    'models/qwen/notes.txt: is not models/<family>/<id>.yaml, where the family is one of deepseek, qwen, kimi, glm, doubao, minimax',
  ],
  [
    'a window in no zone',
    having('windows.yaml', 'Asia/Shanghai', 'Asia/Peking'),
    'windows.yaml: peak.zone: must be an IANA time zone such as Asia/Shanghai',
  ],
  [
    'hours that overlap',
    having('windows.yaml', "'14:00-18:00'", "'11:00-18:00'"),
    'windows.yaml: peak.hours: must be ascending, without overlap, and within one day',
  ],
  [
    'a source without encryption',
    having('exchange.yaml', 'https://', 'http://'),
    'exchange.yaml: yuan.source.url: must be an https address',
  ],
])('%s is refused, with file, field and reason', (_name, files, line) => {
  expect(problemsOf(files)).toContain(line)
})

test.each([
  ['a price that equals its cost', "thinking_output: '6.00'", "thinking_output: '3.00'"],
  ['a cost above the price that it comes to replace', "input: '1.50'", "input: '2.50'"],
  ['a cost of nothing', "cached_input: '0.05'", "cached_input: '0.00'"],
])('%s is accepted', (_name, before, after) => {
  expect(problemsOf(having(MODEL, before, after))).toEqual([])
})

test('a cost in yuan is compared in dollars, rounded up', () => {
  const catalog = load(having('exchange.yaml', "'0.15'", "'0.150000001'"))
  const old = margins(catalog, catalog.models[0]!).filter(({ field }) =>
    field.startsWith('prices[1]'),
  )
  expect(old.map(({ field, cost }) => [field, cost])).toContainEqual([
    'prices[1].tiers[0].input',
    1_500_001n,
  ])
})

test('a file that is missing is named', () => {
  const { 'windows.yaml': _, ...files } = soundFiles
  expect(problemsOf(files)).toEqual(['windows.yaml: is missing'])
})

test('two windows that share an hour cannot price one model', () => {
  const windows = soundFiles['windows.yaml'] ?? ''
  const model = soundFiles[MODEL] ?? ''
  const files = {
    ...soundFiles,
    'windows.yaml': `${windows}${windows.replace('peak:', 'noon:').replaceAll('09:00-12:00', '11:00-13:00')}`,
    [MODEL]: model.replace(
      'routes:',
      "  - from: 2026-09-01\n    window: noon\n    tiers:\n      - { input: '4.00', output: '16.00' }\nroutes:",
    ),
  }
  expect(problemsOf(files)).toContain(
    `${MODEL}: prices[2].window: "peak" and "noon" may share an hour, so neither price is the one`,
  )
})

test('all problems of all files are told at once', () => {
  const files = {
    ...having(MODEL, "'9.00'", '9'),
    'exchange.yaml': 'yuan: {}',
    'models/qwen/Other.yaml': other,
  }
  expect(problemsOf(files)).toEqual([
    'exchange.yaml: yuan.usd: is missing',
    'exchange.yaml: yuan.source: is missing',
    `${MODEL}: prices[0].tiers[1].output: must be a decimal string such as "0.28", not a number`,
  ])
})
