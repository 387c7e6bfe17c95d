import type { AccessAnswer, AccessGiven } from '../../domains/knowledge/commands.ts'
import { CodedError } from '../../kernel/errors.ts'
import { shortPeer } from '../terminal/units.ts'

export interface AccessFlags {
  readonly public?: boolean
  readonly private?: boolean
  readonly share?: string
}

/** undefined when none of the flags was given. @throws CLI_BAD_ACCESS */
export function accessFrom(flags: AccessFlags): AccessGiven | undefined {
  const given = [flags.public === true, flags.private === true, flags.share !== undefined].filter(Boolean)
  if (given.length > 1) {
    throw new CodedError('CLI_BAD_ACCESS', 'a collection is public, shared with some, or private', {
      hint: 'give one of --public, --share and --private',
    })
  }
  if (flags.public === true) return { to: 'everybody' }
  if (flags.private === true) return { to: 'nobody' }
  if (flags.share === undefined) return undefined
  const peers = flags.share.split(',').map(peer => peer.trim())
  return { to: 'peers', peers: peers.filter(peer => peer !== '') }
}

export function accessLine(access: AccessAnswer | AccessGiven): string {
  switch (access.to) {
    case 'everybody':
      return 'public'
    case 'nobody':
      return 'private'
    case 'peers':
      return access.peers.length > 3 ? `${access.peers.length} peers` : access.peers.map(shortPeer).join(', ')
  }
}
