import { z } from 'zod'
import { option } from '../../kernel/option.ts'

const household = z.object({
  creditMicro: option(
    z.int().min(0).default(20_000_000),
    'What one neighbour may owe you before you sell it nothing more.',
    'millionths',
  ),
})

export const booksOptions = z.object({ household: household.prefault({}) })
