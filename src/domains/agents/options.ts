import { z } from 'zod'
import { flag, option } from '../../kernel/option.ts'

const household = z.object({
  shareSoc: option(
    flag(false),
    'Tell the utilities you name in household.utilities your state of charge when they ask; with none named, nobody.',
  ),
})

const utility = z.object({
  collectSoc: option(flag(true), 'Ask the households that agree for their state of charge.'),
  socMinutes: option(z.number().positive().default(5), 'How often; market time.', 'min'),
})

export const agentsOptions = z.object({ household: household.prefault({}), utility: utility.prefault({}) })
