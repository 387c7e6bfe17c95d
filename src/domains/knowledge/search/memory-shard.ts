import type { Postings, Shard, ShownPassage, SignatureBlock, StoredVector } from './search.ts'
import type { Section } from './sections.ts'

/** A collection that is gone when the process ends: for measuring, and to hold the kept one against. */
export interface MemoryShard extends Shard {
  add(document: { readonly name: string; readonly title: string }, sections: readonly Section[]): void
}

const BLOCK = 256

export function createMemoryShard(collection: string, fingerprint: string): MemoryShard {
  const sections: { counts: ReadonlyMap<string, number>; length: number; stored: StoredVector[] }[] = []
  const stored: StoredVector[] = []
  const shown: ShownPassage[] = []
  const blocks: { firstPassage: number; bits: Uint8Array; sizes: Float32Array }[] = []
  const postings = new Map<string, { sections: number[]; counts: number[]; lengths: number[] }>()
  let terms = 0

  function addPassage({ name, title }: { name: string; title: string }, section: number, one: Section['passages'][0]) {
    const passage = stored.length
    const { bits, size } = one.signature
    if (passage % BLOCK === 0) {
      blocks.push({
        firstPassage: passage,
        bits: new Uint8Array(bits.length * BLOCK),
        sizes: new Float32Array(BLOCK),
      })
    }
    const block = blocks[blocks.length - 1]
    block?.bits.set(bits, (passage % BLOCK) * bits.length)
    block?.sizes.set([size], passage % BLOCK)
    stored.push({ passage, section, ...one.vector })
    shown.push({ passage, section, path: name, name, title, start: one.start, end: one.end, text: one.text })
  }

  return {
    collection,
    fingerprint,
    add(document, added) {
      for (const { passages, counts, length } of added) {
        const section = sections.length
        const first = stored.length
        for (const one of passages) addPassage(document, section, one)
        sections.push({ counts, length, stored: stored.slice(first) })
        terms += length
        for (const [term, count] of counts) {
          const row = postings.get(term) ?? { sections: [], counts: [], lengths: [] }
          row.sections.push(section)
          row.counts.push(count)
          row.lengths.push(length)
          postings.set(term, row)
        }
      }
    },
    size: () => ({ sections: sections.length, terms, passages: stored.length }),
    frequency: term => postings.get(term)?.sections.length ?? 0,
    postings(term): Postings {
      const row = postings.get(term)
      return {
        sections: Uint32Array.from(row?.sections ?? []),
        counts: Uint8Array.from(row?.counts ?? []),
        lengths: Uint16Array.from(row?.lengths ?? []),
      }
    },
    signatures: (): Iterable<SignatureBlock> => blocks,
    vectors: passages => passages.flatMap(passage => stored[passage] ?? []),
    vectorsOf: wanted => wanted.flatMap(section => sections[section]?.stored ?? []),
    show: passages => passages.flatMap(passage => shown[passage] ?? []),
  }
}
