import { join } from 'node:path'

/**
 * Where builds are kept: `builds/<digest>` has one each, and `current` is a link to the one to serve.
 * A server stays with the build it opened, so a later build never changes a file under it.
 */
export const DIST_FOLDER = join(import.meta.dirname, 'dist')

export const currentIn = (folder: string): string => join(folder, 'current')

export const buildsIn = (folder: string): string => join(folder, 'builds')
