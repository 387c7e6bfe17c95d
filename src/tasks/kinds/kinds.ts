import { chunk } from './chunk.ts'
import { embed } from './embed.ts'
import type { KindTable } from './kind.ts'

/** Every kind of task this node knows, by name. */
export const kinds = { chunk, embed } as const satisfies KindTable
