import type { Round } from '../../src/daemon/domain.ts'
import { createTicker } from '../../src/daemon/ticker.ts'
import { silentLog } from '../../src/kernel/log.ts'
import type { Outcome } from '../../src/kernel/outcome.ts'
import type { Peer } from './open-domain.ts'

/** The daemon's ticker over a domain's rounds. `look` as after a commit: something may be due. */
export function ticking<Fact>(peer: Peer, { name, rounds }: { name: string; rounds: readonly Round<Fact>[] }) {
  const ticker = createTicker({
    commit: decide => peer.commit(decide) as Promise<Outcome<never>>,
    clock: peer.clock,
    log: silentLog,
  })
  // A round's facts are its domain's own; the daemon forgets their type too.
  for (const round of rounds) ticker.add(name, round as unknown as Round<never>)
  const stopListening = [peer.onChanged(ticker.changed), peer.storage.onEnd(ticker.look)]
  ticker.start()
  return {
    look(): void {
      ticker.changed()
      ticker.look()
    },
    async [Symbol.asyncDispose]() {
      for (const stop of stopListening) stop()
      await ticker.stop()
    },
  }
}
