import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { energyWh, nothing, peerId, timeMs } from '../../daemon/words.ts'
import type { SocRoundRecord } from './soc/round.ts'
import type { SocViewRow } from './soc/view.ts'

const count = z.int().min(0)

const round = schemaOf<SocRoundRecord>()(
  z.object({
    startedMs: timeMs,
    tookMs: z.int().describe('Milliseconds.'),
    asked: count.describe('Answered, silent, and refused when asked.'),
    answered: count,
    refused: count.describe('Now and before.'),
    silent: count,
    silentPeers: z.array(peerId),
  }),
).meta({ id: 'SocRound', description: 'One asking of all households for their state of charge.' })

const household = z
  .object({
    peer: peerId,
    name: z.string(),
    socWh: energyWh.describe('The latest it told, Wh.'),
    atMs: timeMs,
    points: z.array(z.object({ atMs: timeMs, socWh: energyWh })).describe('What it told, oldest first.'),
  })
  .meta({ id: 'SocHousehold' })

const row = schemaOf<SocViewRow>()(
  z.object({
    household: peerId,
    socWh: energyWh.exactOptional().describe('The latest it told, Wh; missing when it never did.'),
    ageMs: z.int().exactOptional().describe('How long ago that came, milliseconds.'),
    trendWhPerHour: z.number().exactOptional(),
    answeredShare: z.number().exactOptional().describe('Of the rounds it was asked in, those it answered: 0 to 1.'),
    refusal: z.string().exactOptional().describe('Why it is not asked, in its words.'),
  }),
).meta({ id: 'SocRow', description: 'What a utility knows of one household, silent and unwilling ones included.' })

/** What the agents of this peer were told. */
export const agentsCommands = commands({
  soc: {
    route: 'GET /v1/utility/soc',
    scope: 'read',
    says: 'States of charge that households told this utility.',
    input: nothing,
    output: z
      .object({ rounds: z.array(round).describe('Newest last.'), households: z.array(household), view: z.array(row) })
      .meta({ id: 'StatesOfCharge' }),
  },
})

export type SocAnswer = Shape<typeof agentsCommands.soc.output>
