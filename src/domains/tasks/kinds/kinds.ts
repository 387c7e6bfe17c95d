import { chunk } from './chunk.ts'
import { embed } from './embed.ts'
import type { KindTable } from './kind.ts'
import { pipeline } from './pipeline.ts'
import { search } from './search.ts'
import { summarize } from './summarize.ts'

/** Every kind of task this node knows, by name. */
export const kinds = { chunk, embed, pipeline, search, summarize } as const satisfies KindTable
