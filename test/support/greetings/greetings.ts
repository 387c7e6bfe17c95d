import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineDomain, found, type Round } from '../../../src/daemon/domain.ts'
import type { SubjectId } from '../../../src/kernel/ids.ts'
import { type JsonObject, outcome } from '../../../src/kernel/outcome.ts'
import { greetingsCommands } from './commands.ts'
import { kinds } from './kinds.ts'
import { type GreetingFact, greetingsMigrations, greetingsStore } from './store.ts'

const said = z.strictObject({ words: z.string().max(100) })

/** Peers that say hello: a domain as small as one can be that has everything a domain may have. */
export const greetingsDomain = defineDomain({
  name: 'greetings',
  options: z.object({ greetings: z.object({ most: z.int().min(1).default(3) }).prefault({}) }),
  migrations: greetingsMigrations,
  commands: greetingsCommands,
  kinds: { kinds, module: new URL('./kinds.ts', import.meta.url) },
  store: greetingsStore,
  open(context) {
    const { store, newId, now, commit, options } = context

    /** Counts the letters of what was heard, slowly. */
    const count: Round<GreetingFact> = {
      name: 'count',
      due: () => (store.uncounted() === undefined ? undefined : 0),
      async plan(signal) {
        const greeting = store.uncounted()
        if (greeting === undefined) return undefined
        await sleep(20, undefined, { signal })
        const letters = greeting.words.replaceAll(/\P{L}/gu, '').length
        return () => outcome([{ kind: 'greetings.counted', id: greeting.id, letters }])
      },
    }

    return {
      run: {
        greet: async ({ peer, words }) => {
          const draft = {
            type: 'greeting.said',
            subjectId: newId() as SubjectId,
            to: peer,
            payload: { words } as JsonObject,
            carrier: 'stream',
            ttlMs: 60_000,
          }
          await commit(() => outcome<GreetingFact>([], [draft]))
          return {}
        },
        greetings: () => store.all().slice(0, options.greetings.most),
        greeting: ({ id }) => found('greeting', id, store.greeting(id)),
      },
      messages: new Map([
        [
          'greeting.said',
          {
            payload: said,
            carriers: ['stream'],
            stream: 'greetings',
            sealed: false,
            kept: true,
            handle: ({ id, sender_id: peer }, payload) =>
              outcome<GreetingFact>([
                { kind: 'greetings.heard', greeting: { id, peer, words: said.parse(payload).words, atMs: now() } },
              ]),
          },
        ],
      ]),
      rounds: [count],
      tells: {
        'greetings.heard': ({ greeting: { id, peer, words } }) => ({
          event: 'greeting.heard',
          data: { id, peer, words },
        }),
      },
      advert: () => ({ kinds: ['greetings@1'], greetings: { heard: store.all().length } }),
      gives: {},
    }
  },
})
