import { readFileSync } from 'node:fs'

/** Two copies of libp2p's interfaces do not recognise each other's streams and connections. */
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, unknown> }
const copies = Object.keys(lock.packages).filter(path => path.endsWith('node_modules/@libp2p/interface'))
if (copies.length !== 1) console.log(`@libp2p/interface is installed ${copies.length} times: ${copies.join(', ')}`)
process.exitCode = copies.length === 1 ? 0 : 1
