import { isAbsolute } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { MAX_READERS } from '../domains/knowledge/collection.ts'
import { MAX_WANTED } from '../domains/knowledge/messages.ts'
import { CodedError } from '../kernel/errors.ts'
import type { PeerId } from '../kernel/ids.ts'
import type { LibraryCommands } from '../parts/library.ts'
import type { ApiCode } from './api-error.ts'

const MAX_PATHS = 1_000

const id = z.object({ id: z.string().max(128) })
const name = z.object({ name: z.string().min(1).max(64) })
const peer = z.string().regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/, 'a peer id begins with 12D3KooW')
const access = z.discriminatedUnion('to', [
  z.strictObject({ to: z.literal('nobody') }),
  z.strictObject({ to: z.literal('peers'), peers: z.array(peer).min(1).max(MAX_READERS) }),
  z.strictObject({ to: z.literal('everybody') }),
])
const ingest = z.strictObject({
  paths: z.array(z.string().min(1).max(4_096).refine(isAbsolute, 'an absolute path')).min(1).max(MAX_PATHS),
  collection: z.string().min(1).max(64),
  access: access.optional(),
})
const share = z.strictObject({ access })
const ask = z.strictObject({
  question: z.string().min(1).max(4_000),
  top: z.int().min(1).max(MAX_WANTED).default(5),
  collection: z.string().min(1).max(64).optional(),
  local: z.boolean().default(false),
})

/** Documents: read them, share them, ask them. */
export function addKnowledge(server: FastifyInstance, library: LibraryCommands): void {
  server.get('/v1/collections', async () => library.collections())
  server.post('/v1/collections/:name/share', async ({ params, body }) => {
    await library.share(name.parse(params).name, accessOf(share.parse(body).access))
    return {}
  })
  server.post('/v1/collections/:name/remove', async ({ params }) => {
    await library.remove(name.parse(params).name)
    return {}
  })
  server.post('/v1/ingest', async ({ body }) => {
    const { access: given, ...request } = ingest.parse(body)
    return library.ingest(given === undefined ? request : { ...request, access: accessOf(given) })
  })
  server.get('/v1/ingest/:id', async ({ params }) => {
    const job = library.ingestJob(id.parse(params).id)
    if (job === undefined) throw new CodedError<ApiCode>('API_NOT_FOUND', 'no such reading; it ended long ago')
    return job
  })
  server.post('/v1/ingest/:id/cancel', async ({ params }) => {
    library.cancelIngest(id.parse(params).id)
    return {}
  })
  server.post('/v1/ask', ({ body }) => {
    const { collection, ...request } = ask.parse(body)
    return library.ask(collection === undefined ? request : { ...request, collection })
  })
}

function accessOf(given: z.infer<typeof access>) {
  return given.to === 'peers' ? { to: given.to, peers: given.peers as PeerId[] } : given
}
