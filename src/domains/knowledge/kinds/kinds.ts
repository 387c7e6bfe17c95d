import type { KindTable } from '../../../daemon/kind.ts'
import { chunk } from './chunk.ts'
import { embed } from './embed.ts'
import { pipeline } from './pipeline.ts'
import { search } from './search.ts'
import { summarize } from './summarize.ts'

/** The kinds of task that this domain brings, by name: all are about texts. */
export const kinds = { chunk, embed, pipeline, search, summarize } as const satisfies KindTable

/** This file: what a worker thread imports to have them. */
export const kindsModule = new URL(import.meta.url)
