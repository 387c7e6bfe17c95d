import { z } from 'zod'
import type { Context } from '../../daemon/domain.ts'
import type { PeerId } from '../../kernel/ids.ts'
import type { BooksFact } from './facts.ts'
import { booksOptions as own } from './options.ts'
import type { BooksRead } from './store.ts'

/** What the books are told: their own options, and some of others. */
export const options = own.extend({
  roles: z.array(z.string()),
  market: z.object({ currency: z.string() }),
  storage: z.object({ journalDays: z.number() }),
})
export type BooksContext = Context<z.output<typeof options>, BooksRead, BooksFact>

/** What the books are told by others. */
export interface BooksNeeds {
  /** Whether a topic of our zone reaches that peer. */
  readonly inZone: (peer: PeerId) => boolean
  /** What it calls itself; empty: it has not said. */
  readonly nameOf: (peer: PeerId) => string
}
