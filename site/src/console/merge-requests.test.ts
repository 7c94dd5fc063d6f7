import { expect, test } from 'vitest'
import { someRequest } from './api-server.fixture.ts'
import { mergeRequests } from './merge-requests.ts'
import type { RequestPage } from './operations.ts'

// What is shown, the first page as read again, and both merged. Requests are numbered in the order in
// which they began; `+` is for older ones the server has.
test.each([
  ['the first page is all there is', '', '2 1', '2 1'],
  ['nothing is new', '4 3 +', '4 3 +', '4 3 +'],
  ['new ones come first', '3 2 +', '4 3 +', '4 3 2 +'],
  ['older ones stay', '4 3 2 1', '4 3 +', '4 3 2 1'],
  ['one that ran long takes its place', '5 3 2 +', '5 4 3 +', '5 4 3 2 +'],
  ['a gap drops what is beyond it', '3 2 1', '9 8 7 +', '9 8 7 +'],
  ['what the server no longer has goes', '3 2 1', '3 2', '3 2'],
  ['nothing is left', '3', '', ''],
])('%s', (_name, shown, fresh, merged) => {
  expect(mergeRequests(page(shown), page(fresh))).toEqual(page(merged))
})

function page(text: string): RequestPage {
  const nodes = (text.match(/\d+/g) ?? []).map((number) => someRequest(Number(number)))
  return {
    edges: nodes.map((node) => ({ node })),
    pageInfo: { hasNextPage: text.endsWith('+'), endCursor: nodes.at(-1)?.id ?? null },
  }
}
