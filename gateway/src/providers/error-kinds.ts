/**
 * What a provider's error comes to, whatever it calls it:
 *
 * - `rejected`: the request is not valid; `filtered`: its contents are not allowed; `too_long`: it does not fit the context;
 * - `rate`: our key asks too much; `overload`: the provider is busy or broken;
 * - `ours`: our key, account or money there, or a model it does not know.
 */
export type ErrorKind = 'rejected' | 'filtered' | 'too_long' | 'rate' | 'overload' | 'ours'

/** By error code or type, or the part of one before its first dot. */
export type ErrorKinds = Readonly<Record<string, ErrorKind>>

/** The same kind for several codes. */
export const are = (kind: ErrorKind, ...codes: readonly (string | number)[]): ErrorKinds =>
  Object.fromEntries(codes.map((code) => [String(code), kind]))
