/** `npm run complete-lockfile`, after adding a dependency: puts back the platform packages npm left out of the lockfile. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingPlatforms, type LockedPackages } from './platforms.ts'

const file = join(import.meta.dirname, '..', '..', 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: LockedPackages }
const missing = missingPlatforms(lock.packages)
const packages = Object.fromEntries(
  Object.entries({ ...lock.packages, ...missing }).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  ),
)
writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
console.log(`${Object.keys(missing).length} packages of other platforms added.`)
