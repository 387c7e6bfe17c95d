import { z } from 'zod'
import { json, jsonObject, peerNamed } from '../../../daemon/words.ts'
import type { PeerId } from '../../../kernel/ids.ts'
import type { Json, JsonObject } from '../../../kernel/outcome.ts'
import type { Needs } from '../task.ts'

/** What somebody wants done. */
export interface JobRequest {
  readonly kind: string
  readonly params: JsonObject
  /** For kinds that take texts: such an object is what they take. */
  readonly documents?: readonly { readonly name: string; readonly text: string }[]
  /** For every kind: any JSON that its `source` takes, and a name for people. They come behind the documents. */
  readonly inputs?: readonly { readonly name: string; readonly input: Json }[]
  /** Higher goes first, −100 to 100; 0 when absent. */
  readonly priority?: number
  /** Unix milliseconds. */
  readonly deadlineMs?: number
  readonly needs?: Partial<Needs>
  /** `private` when absent: anybody's machine is for the owner to allow, job by job. */
  readonly privacy?: 'public' | 'private'
  /** Who may have a private job; the trusted peers when absent. Of a public job it is refused. */
  readonly peers?: readonly PeerId[]
  readonly after?: readonly string[]
  /** The same key with the same request is the same job, whatever the deadline, until that expires or is cancelled. */
  readonly key?: string
  /** Of results of other peers; `adaptive` for public jobs when absent. */
  readonly verify?: 'none' | 'adaptive'
}

const word = z.string().max(128)
const name = z.string().max(1024)
const MAX_SOURCES = 10_000

/** A request as it comes from outside; whether the kind takes what is submitted, the queue says. */
export const jobRequest = z
  .strictObject({
    kind: z.string().max(64),
    params: jsonObject.default({}),
    documents: z
      .array(z.strictObject({ name, text: z.string() }))
      .min(1)
      .max(MAX_SOURCES)
      .exactOptional()
      .describe('For kinds that take texts.'),
    inputs: z
      .array(z.strictObject({ name, input: json }))
      .min(1)
      .max(MAX_SOURCES)
      .exactOptional()
      .describe('For every kind: whatever JSON it takes, with a name for people.'),
    priority: z.int().min(-100).max(100).exactOptional().describe('Higher goes first.'),
    deadlineMs: z.int().min(0).exactOptional().describe('Unix milliseconds; what is not done by then is dropped.'),
    needs: z
      .strictObject({
        memoryMb: z.int().min(0).exactOptional(),
        fingerprint: word.exactOptional(),
        engine: word.exactOptional(),
      })
      .exactOptional(),
    privacy: z.enum(['public', 'private']).exactOptional().describe('Private when left out.'),
    peers: z.array(peerNamed).max(256).exactOptional().describe('Who may have a private job.'),
    after: z.array(word).max(64).exactOptional().describe('Jobs that must be done before.'),
    key: word.exactOptional().describe('The same key with the same request is the same job.'),
    verify: z.enum(['none', 'adaptive']).exactOptional(),
  })
  .refine(({ documents, inputs }) => documents !== undefined || inputs !== undefined, {
    path: ['documents'],
    message: 'give documents, or inputs',
  })

/** Something to do, as its kind takes it. */
export interface Source {
  readonly name: string
  readonly value: Json
  /** How much it is, for people: UTF-16 code units of its text, or of its JSON. */
  readonly characters: number
  /** Where it stands in the request. */
  readonly place: string
}

/** What is submitted, in order. Lazy, so that what is not taken is not looked at. */
export function* sourcesOf({ documents = [], inputs = [] }: JobRequest): Generator<Source, void> {
  for (const [index, { name, text }] of documents.entries())
    yield { name, value: { name, text }, characters: text.length, place: `documents.${index}` }
  for (const [index, { name, input }] of inputs.entries())
    yield { name, value: input, characters: JSON.stringify(input).length, place: `inputs.${index}.input` }
}
