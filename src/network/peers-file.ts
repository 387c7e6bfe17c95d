import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, messageOf } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'

/** A peer that was good, and where it was. */
export interface RememberedPeer {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  /** When we last talked to it, ms since the epoch. */
  readonly seenAt: number
}

export interface PeersFile {
  read(): Promise<RememberedPeer[]>
  note(known: RememberedPeer): void
  /** Writes what was noted since; does nothing when that is nothing. Never throws: the file is a convenience. */
  save(): Promise<void>
}

const MAX_PEERS = 64
const MAX_ADDRESSES = 8

/** The peers of the last run, so that a network comes back without its bootstrap peers. */
export function openPeersFile(file: string, log: Log): PeersFile {
  const known = new Map<PeerId, RememberedPeer>()
  let changed = false

  return {
    async read() {
      for (const peer of await readPeers(file, log)) known.set(peer.peer, peer)
      return [...known.values()]
    },
    note(peer) {
      known.set(peer.peer, { ...peer, addresses: peer.addresses.slice(0, MAX_ADDRESSES) })
      changed = true
    },
    async save() {
      if (!changed) return
      changed = false
      const newest = [...known.values()].sort((a, b) => b.seenAt - a.seenAt)
      for (const { peer } of newest.splice(MAX_PEERS)) known.delete(peer)
      try {
        await replace(file, `${JSON.stringify({ version: 1, peers: newest }, null, 2)}\n`)
      } catch (error) {
        changed = true
        log.warn({ file, reason: messageOf(error) }, 'cannot write the peers file')
      }
    },
  }
}

async function readPeers(file: string, log: Log): Promise<RememberedPeer[]> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isPeers(content)) throw new TypeError('it is not a list of peers')
    return content.peers.slice(0, MAX_PEERS)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      log.warn({ file, reason: messageOf(error) }, 'the peers file is unreadable; starting without it')
    }
    return []
  }
}

/** Whoever reads the file sees the old or the new one whole, also after a power cut. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(`${file}.tmp`, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.tmp`, file)
}

function isPeers(value: unknown): value is { peers: RememberedPeer[] } {
  return isRecord(value) && Array.isArray(value['peers']) && value['peers'].every(isKnownPeer)
}

function isKnownPeer(value: unknown): value is RememberedPeer {
  if (!isRecord(value) || typeof value['peer'] !== 'string' || typeof value['seenAt'] !== 'number') return false
  const addresses = value['addresses']
  return Array.isArray(addresses) && addresses.every(address => typeof address === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
