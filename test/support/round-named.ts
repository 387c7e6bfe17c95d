import type { Round } from '../../src/daemon/domain.ts'

/** One of a domain's rounds. */
export function roundNamed<Fact>({ rounds }: { readonly rounds: readonly Round<Fact>[] }, name: string): Round<Fact> {
  const round = rounds.find(one => one.name === name)
  if (round === undefined) throw new Error(`no round is called ${name}`)
  return round
}
