import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * The lockfile is whole: every package of every platform stands in it with its integrity hash, and libp2p's interfaces
 * stand in it once (two copies do not recognise each other's streams). `--mend` asks the registry for what is missing.
 */
const LOCKFILE = 'package-lock.json'

interface Locked {
  readonly integrity?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
interface Lock {
  readonly packages: Record<string, Locked>
}

function read(): Lock {
  return JSON.parse(readFileSync(LOCKFILE, 'utf8')) as Lock
}

/** npm drops the packages of other platforms now and then, and may take them in again without a hash. */
function mend(): void {
  const lock = read()
  for (const path of unhashed(lock)) delete lock.packages[path]
  writeFileSync(LOCKFILE, `${JSON.stringify(lock, null, 2)}\n`)
  spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { stdio: 'inherit' })
}

function unhashed({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([path, { integrity }]) =>
    path !== '' && integrity === undefined ? [path] : [],
  )
}

/** Optional packages that a locked package names and the lockfile lacks. */
function dropped({ packages }: Lock): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(name => !isFound(name, path, packages)),
  )
}

/** As Node looks for a module: beside its user, then in every folder above it. */
function isFound(name: string, from: string, packages: Lock['packages']): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (packages[path] !== undefined) return true
    if (folder === '') return false
  }
}

if (process.argv.includes('--mend')) mend()
const lock = read()
const copies = Object.keys(lock.packages).filter(path => path.endsWith('node_modules/@libp2p/interface'))
const faults = [
  ...unhashed(lock).map(path => `${path} has no integrity hash: npm run lock`),
  ...dropped(lock).map(name => `${name} is missing, which another platform needs: npm run lock`),
  ...(copies.length === 1 ? [] : [`@libp2p/interface is there ${copies.length} times: ${copies.join(', ')}`]),
]
for (const fault of faults) console.log(fault)
process.exitCode = faults.length === 0 ? 0 : 1
