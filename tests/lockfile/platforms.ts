/** What `package-lock.json` says of one package. */
export interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly cpu?: readonly string[]
  readonly os?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export type LockedPackages = Readonly<Record<string, LockedPackage>>

const CPUS = ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'wasm32']
const SYSTEMS = ['darwin', 'linux', 'win32', 'android', 'freebsd', 'openharmony']

/**
 * Optional packages of other platforms that a lockfile leaves out. npm drops them when it installs over an existing
 * node_modules (npm/cli issue 4828); `npm ci` then fails, and another platform goes without its binaries.
 * Exact versions only: a range would have to be resolved.
 */
export function missingPlatforms(packages: LockedPackages): Record<string, LockedPackage> {
  const missing: Record<string, LockedPackage> = {}
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const places = [`node_modules/${name}`, `${path}/node_modules/${name}`]
      if (places.some((place) => place in packages) || !/^\d+\.\d+\.\d+/.test(version)) continue
      missing[places[0]!] = entryOf(name, version, path !== '' && dev === true)
    }
  }
  return missing
}

/** An entry as npm writes it, from the platform in the package's name: `@oxfmt/binding-linux-arm64-musl`. */
function entryOf(name: string, version: string, dev: boolean): LockedPackage {
  const words = name.split('/').at(-1)!.split('-')
  const cpu = CPUS.filter((word) => words.includes(word))
  const os = SYSTEMS.filter((word) => words.includes(word))
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc']
  const known = words.some((word) => /^(musl|gnu)/.test(word))
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(dev && { dev }),
    ...(known && { libc }),
    optional: true,
    ...(os.length > 0 && { os }),
  }
}
