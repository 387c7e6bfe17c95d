import type { Access, AccessList } from '../collection.ts'
import { MAX_FINDS, MAX_TEXT } from '../messages.ts'
import { contenders, type Evidence, type Extremes, mergeExtremes, rank } from './ranking.ts'
import { type Question, type Shard, type ShownPassage, search, statisticsOf } from './search.ts'
import { mergeStatistics, type Statistics } from './statistics.ts'

/** What search reads; storage satisfies it. */
export interface ShardStore {
  accessLists(): AccessList[]
  shard(collection: string): Shard | undefined
}

export interface LocalFind extends Evidence {
  readonly collection: string
  readonly shown: ShownPassage
  readonly text: string
  readonly counts: readonly number[]
  readonly length: number
}

export interface LocalFound {
  readonly finds: readonly LocalFind[]
  readonly extremes: Extremes | undefined
}

/** The collections somebody may search, together. Those it may not are as if they were not there. */
export function createShards(store: ShardStore) {
  function open(may: (access: Access) => boolean, only: string | undefined): Shard[] {
    return store
      .accessLists()
      .filter(({ name, access }) => may(access) && (only === undefined || name === only))
      .flatMap(({ name }) => store.shard(name) ?? [])
  }

  function found(shard: Shard, question: Question, { statistics, wanted }: Wanted): LocalFound {
    const { hits, extremes } = search(shard, question, statistics, wanted)
    const shown = new Map(shard.show(hits.map(hit => hit.passage)).map(passage => [passage.passage, passage]))
    const finds = hits.flatMap(({ passage, ...evidence }): LocalFind[] => {
      const one = shown.get(passage)
      if (one === undefined) return []
      const text = one.text.slice(0, MAX_TEXT).toWellFormed()
      return [{ ...evidence, collection: shard.collection, shown: one, text }]
    })
    return { finds, extremes }
  }

  return {
    statistics(terms: readonly string[], may: (access: Access) => boolean, only: string | undefined): Statistics {
      const parts = open(may, only).map(shard => statisticsOf(shard, terms))
      return mergeStatistics(parts, terms.length)
    },
    search(
      question: Question,
      may: (access: Access) => boolean,
      how: Wanted & { only: string | undefined },
    ): LocalFound {
      const parts = open(may, how.only).map(shard => found(shard, question, how))
      const extremes = mergeExtremes(parts.map(part => part.extremes))
      const finds = contenders(
        parts.flatMap(part => part.finds),
        how.wanted,
      )
      // Seldom more than sixty; more do not travel.
      const best =
        finds.length <= MAX_FINDS
          ? finds
          : rank(finds, extremes)
              .slice(0, MAX_FINDS)
              .map(one => one.item)
      return { finds: best, extremes }
    },
  }
}

interface Wanted {
  /** Of everybody who is asked. */
  readonly statistics: Statistics
  /** How many passages are shown in the end. */
  readonly wanted: number
}
