import { AGENT_CARD_PATH } from '@a2a-js/sdk'
import type { PeerId } from '../../kernel/ids.ts'

/** Where every agent's card lies (A2A, "agent discovery"). */
export const CARD_PATH = `/${AGENT_CARD_PATH}`
/** Where JSON-RPC is answered. */
export const RPC_PATH = '/a2a/1'

/** `libp2p://<peer id>/a2a/1`: a name, not a place. Its bytes go to whoever proves to be that peer. */
export function rpcUrl(peer: PeerId): string {
  return `libp2p://${peer}${RPC_PATH}`
}
