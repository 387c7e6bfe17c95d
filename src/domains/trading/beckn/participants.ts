import { createHash } from 'node:crypto'
import type { PeerId } from '../../../kernel/ids.ts'
import type { JsonObject } from '../../../kernel/outcome.ts'
import type { Contract } from '../../../protocol/contract.ts'
import { ownContext, packContext } from './context.ts'
import { packName } from './rules/packs/packs.ts'

/** A pseudonym that differs from peer to peer; the meter's real number is nobody's business. */
export function meterOf(peer: PeerId): string {
  return `meter-${createHash('sha256').update(`wattmesh/meter/${peer}`).digest('hex').slice(0, 16)}`
}

export function customer(peer: PeerId): JsonObject {
  return {
    id: peer,
    participantAttributes: {
      '@context': packContext('EnergyCustomer/v2.0'),
      '@type': 'EnergyCustomer',
      meterId: meterOf(peer),
    },
  }
}

/** Whether that peer stands among the participants of a contract, with its meter. */
export function hasMeter(peer: PeerId, participants: readonly unknown[]): boolean {
  return participants.some(participant => {
    const { id, participantAttributes } = participant as {
      id?: unknown
      participantAttributes?: { '@context': unknown }
    }
    return id === peer && packName(participantAttributes?.['@context']) === 'EnergyCustomer/2.0'
  })
}

export function roles(buyer: PeerId | undefined, seller: PeerId): JsonObject {
  return {
    '@context': packContext('DEGContract/v2.0'),
    '@type': 'DEGContract',
    roles: [
      { role: 'buyerPlatform', participantId: buyer ?? null },
      { role: 'sellerPlatform', participantId: seller },
    ],
    policy: { url: 'https://wattmesh.example/policy/p2p-trading/1', queryPath: 'wattmesh.p2p_trading' },
  }
}

/** `ContractSignature`: one of the two that make a contract bind. `ReceiptSignature`: one of the two under what was settled. */
type SignatureKind = 'ContractSignature' | 'ReceiptSignature'

export function signature(
  kind: SignatureKind,
  signer: 'buyer' | 'seller',
  { peer, value }: { peer: PeerId; value: string },
): JsonObject {
  return {
    id: `${peer}#${kind === 'ContractSignature' ? 'signature' : 'receipt'}`,
    participantAttributes: { '@context': ownContext(kind), '@type': kind, signer, algorithm: 'Ed25519', value },
  }
}

/** The signatures among the participants of a contract, as far as they are there. */
export function readSignatures(kind: SignatureKind, participants: readonly unknown[]): Partial<Contract['signatures']> {
  const found: { buyer?: string; seller?: string } = {}
  for (const participant of participants) {
    const attributes = (participant as { participantAttributes?: Record<string, unknown> } | null)
      ?.participantAttributes
    if (attributes?.['@type'] !== kind || typeof attributes['value'] !== 'string') continue
    if (attributes['signer'] === 'buyer' || attributes['signer'] === 'seller')
      found[attributes['signer']] = attributes['value']
  }
  return found
}
