import type { HealthAnswer } from '../../daemon/commands.ts'
import { type Finding, ok, problem, skipped, warning } from './finding.ts'

/** A peer dials back once in a few seconds, not more. */
const ASKED_AGAIN = 'you asked a moment ago'

export function checkDaemon(health: HealthAnswer): Finding[] {
  return [listening(health), clock(health), connected(health), reachable(health)]
}

function listening({ addresses, listen }: HealthAnswer): Finding {
  const places = addresses.map(address => address.replace(/\/p2p\/.*$/, ''))
  if (places.length > 0) return ok('port', `listens at ${places.join(', ')}`)
  const fix = 'look in its log, then check network.listen'
  return problem('port', `the daemon listens nowhere, though it was told ${listen.join(', ') || 'nothing'}`, fix)
}

/** Peers whose messages seem to come from the future, or too late, tell of a wrong clock: most likely ours. */
function clock({ futureMessages, staleMessages }: HealthAnswer): Finding {
  const refused = futureMessages + staleMessages
  if (refused === 0) return ok('clock', 'no message seemed to come from another time')
  const said = `${futureMessages} messages seemed to come from the future, ${staleMessages} were past their time`
  return warning('clock', said, 'compare this clock with another (date -u); set it over the network')
}

function connected({ connected: count, discovered, bootstrap, mdns }: HealthAnswer): Finding {
  if (count > 0) return ok('peers', `${count} connected`)
  const found = Object.values(discovered).reduce((sum, n) => sum + n, 0)
  if (found > 0) {
    return problem('peers', `${found} were found, none is connected`, 'see that a firewall lets TCP through both ways')
  }
  const ways = [...(mdns ? ['the local network'] : []), ...(bootstrap.length > 0 ? ['the bootstrap peers'] : [])]
  if (ways.length > 0) {
    const fix = 'start another peer, or name one: --bootstrap <multiaddr>, as "wattmesh status" shows it there'
    return problem('peers', `nobody was found through ${ways.join(' or ')}`, fix)
  }
  const fix = 'turn network.mdns on, or name a peer: --bootstrap <multiaddr>'
  return problem('peers', 'there is no way to find anybody: no bootstrap peer is named, and network.mdns is off', fix)
}

function reachable({ connected: count, dialBack }: HealthAnswer): Finding {
  if (count === 0) return skipped('reachability', 'there is nobody to try it')
  if (dialBack.reachable) return ok('reachability', `others can dial this peer at ${dialBack.address}`)
  if (dialBack.reason?.includes(ASKED_AGAIN) === true) {
    return skipped('reachability', 'the peers were asked a moment ago; ask again in some seconds')
  }
  const said = `nobody of ${dialBack.asked} peers could dial this one: ${dialBack.reason}`
  return warning('reachability', said, 'open the port in the router or firewall; until then a relay is needed')
}
