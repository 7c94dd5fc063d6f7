import { hash } from 'node:crypto'

/**
 * Members in the order in which `affinity` prefers them, by highest random weight (rendezvous hashing: Thaler and
 * Ravishankar, 1998). Every gateway comes to the same order without knowing of the others; where a member is missing,
 * only what preferred it moves, and it moves evenly.
 */
export function byRendezvous<Member extends { readonly id: string }>(
  affinity: string,
  members: readonly Member[],
): readonly Member[] {
  if (members.length < 2) return members
  return members
    .map((member) => ({ member, weight: hash('sha256', `${member.id}\0${affinity}`) }))
    .toSorted((one, other) => (one.weight > other.weight ? -1 : 1))
    .map(({ member }) => member)
}
