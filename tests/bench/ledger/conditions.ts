/** How many wallets share the load. */
export const WALLETS = [1_000, 1] as const
/** Holds a second of the neighbours. */
export const LOADS = [50, 500] as const
/** `hot`: one wallet is as busy as it can be. `locked`: a session holds 20 wallets that are asked for all the time. */
export const TROUBLES = ['quiet', 'locked', 'hot'] as const
export type Trouble = (typeof TROUBLES)[number]
