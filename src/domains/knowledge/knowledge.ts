import { z } from 'zod'
import { type Context, defineDomain, found } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { Answer, Draft } from '../../kernel/outcome.ts'
import type { KnowledgeFact } from './collection.ts'
import { type AskAnswer, knowledgeCommands } from './commands.ts'
import { createDocumentEncoder, createEncoder, type Outside, type RunPart } from './encoder.ts'
import { kinds, kindsModule } from './kinds/kinds.ts'
import { createLibrary } from './library.ts'
import { SHARES } from './messages.ts'
import { knowledgeOptions } from './options.ts'
import { type KnowledgeRead, knowledgeStore } from './store.ts'

const options = knowledgeOptions.extend({ compute: z.object({ threads: z.number() }) })
type KnowledgeContext = Context<z.output<typeof options>, KnowledgeRead, KnowledgeFact>

export interface KnowledgeNeeds {
  /** Does one part of a task, in a worker thread of this machine. */
  readonly run: RunPart
  /** Tells which model this machine has. */
  readonly warm: (how: { readonly signal: AbortSignal }) => Promise<{ readonly fingerprint: string }>
  /** Peers that encode documents for this machine. */
  readonly outside: Outside
  /** Asks one peer, straight and once; neither question nor answer is kept. */
  readonly ask: (peer: PeerId, draft: Draft, signal: AbortSignal) => Promise<Answer>
  /** Connected peers that advertise this. */
  readonly connectedWith: (kind: string) => readonly { readonly peer: PeerId }[]
  /** Says anew what this peer offers. */
  readonly advertise: () => void
}

/** Of a document; longer ones are archives. */
const MAX_FILE_BYTES = 32 * 1024 * 1024

/** Documents read, cut, indexed and searched; asked over peers, with the documents staying. */
export const knowledgeDomain = defineDomain({
  name: 'knowledge',
  options,
  commands: knowledgeCommands,
  kinds: { kinds, module: kindsModule },
  store: knowledgeStore,
  open(context: KnowledgeContext, needs: KnowledgeNeeds) {
    const { store, commit, clock, newId, log } = context
    const { threads } = context.options.compute
    const encode = createEncoder(needs.run)
    const library = createLibrary({
      store,
      commit,
      clock,
      newId,
      log,
      threads,
      encode,
      documents: createDocumentEncoder({
        encode,
        warm: needs.warm,
        threads,
        outside: context.options.knowledge.encodeOnPeers ? needs.outside : undefined,
      }),
      maxFileBytes: MAX_FILE_BYTES,
      askPeer: (draft, signal) => needs.ask(draft.to as PeerId, draft, signal),
      sharers: () => needs.connectedWith(SHARES).map(({ peer }) => peer),
      sharingChanged: needs.advertise,
    })
    const { commands } = library

    return {
      run: {
        collections: () => commands.collections(),
        async share({ name, access }) {
          await commands.share(name, access)
          return {}
        },
        async remove({ name }) {
          await commands.remove(name)
          return {}
        },
        ingest: request => commands.ingest(request),
        reading: ({ id }) => found('reading', id, commands.ingestJob(id)),
        cancelReading({ id }) {
          commands.cancelIngest(id)
          return {}
        },
        async ask(request) {
          const { passages, peers, notAsked } = await commands.ask(request)
          return { passages: passages.map(shown), peers, notAsked }
        },
      },
      messages: library.messages,
      tells: {
        'knowledge.whole': ({ document }) => ({ event: 'document.read', data: { document } }),
      },
      advert: () => ({ kinds: [...library.kinds()] }),
      parts: [library],
      gives: {},
    }
  },
})

/** What its search knows of a passage beside that (rows, ranks) is nobody else's business. */
function shown(passage: AskAnswer['passages'][number]): AskAnswer['passages'][number] {
  return {
    peer: passage.peer,
    collection: passage.collection,
    name: passage.name,
    path: passage.path,
    title: passage.title,
    start: passage.start,
    text: passage.text,
    counts: passage.counts,
    length: passage.length,
    closeness: passage.closeness,
    score: passage.score,
  }
}
