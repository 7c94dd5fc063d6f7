import type { RequestPage, RequestRow } from './operations.ts'

/**
 * The requests to show once the first page has been read again: what was loaded before stays, and
 * what is new is put where its id belongs, since a request appears only when it has ended. Where the
 * two do not meet, requests between them are unknown, and the fresh page stands alone.
 */
export function mergeRequests(shown: RequestPage, fresh: RequestPage): RequestPage {
  const ids = new Set(fresh.edges.map(({ node }) => node.id))
  const meet = shown.edges.some(({ node }) => ids.has(node.id))
  const last = fresh.edges.at(-1)?.node
  if (!meet || !last || !fresh.pageInfo.hasNextPage) return fresh

  const older = shown.edges.filter(({ node }) => !ids.has(node.id))
  const goesOn = older.some(({ node }) => node.id < last.id)
  return {
    edges: [...fresh.edges, ...older].toSorted((left, right) => newestFirst(left.node, right.node)),
    pageInfo: goesOn ? shown.pageInfo : fresh.pageInfo,
  }
}

/** Ids are ULIDs under one prefix: in the order of their making. */
function newestFirst(left: RequestRow, right: RequestRow): number {
  return left.id < right.id ? 1 : -1
}
