import { z } from 'zod'
import { commands, schemaOf } from '../../../src/daemon/command.ts'
import { byId, nothing, peerId, peerNamed, timeMs } from '../../../src/daemon/words.ts'
import type { Greeting } from './store.ts'

const greeting = schemaOf<Greeting>()(
  z.object({
    id: z.string(),
    peer: peerId,
    words: z.string(),
    atMs: timeMs,
    letters: z.int().exactOptional().describe('Missing until somebody has counted them.'),
  }),
).meta({ id: 'Greeting', description: 'What a peer said to be friendly.' })

/** Being friendly. */
export const greetingsCommands = commands({
  greet: {
    route: 'POST /v1/greetings',
    scope: 'control',
    says: 'Says something friendly to a peer.',
    input: z.strictObject({ peer: peerNamed, words: z.string().max(100) }),
    output: nothing,
  },
  greetings: {
    route: 'GET /v1/greetings',
    scope: 'read',
    says: 'What peers have said to be friendly, the oldest first.',
    input: nothing,
    output: z.array(greeting),
  },
  greeting: {
    route: 'GET /v1/greetings/:id',
    scope: 'read',
    says: 'One greeting.',
    input: byId,
    output: greeting,
  },
})
