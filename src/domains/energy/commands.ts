import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { energyWh, page, timeMs } from '../../daemon/words.ts'
import type { KeptDecision, SettledSlot } from './household.ts'
import type { Reading } from './meter/reading-chain.ts'

const slotNumber = z.int().describe('Start of the slot in market time, in lengths of a slot.')

const decision = schemaOf<KeptDecision>()(
  z.object({
    slot: slotNumber,
    action: z.enum(['buy', 'sell', 'wait']),
    energyWh: energyWh.describe('Wh; 0 when it waits.'),
    reason: z.string(),
    atMs: timeMs,
  }),
).meta({ id: 'Decision', description: 'What a household decided about a slot, and why.' })

const settledSlot = schemaOf<SettledSlot>()(
  z.object({
    slot: slotNumber,
    loadWh: energyWh,
    solarWh: energyWh,
    boughtWh: energyWh.describe('From neighbours, Wh.'),
    soldWh: energyWh.describe('To neighbours, Wh.'),
    socWh: energyWh.describe('State of charge at its end, Wh.'),
    importedWh: energyWh.describe('From the grid, beyond what was traded, Wh.'),
    exportedWh: energyWh.describe('To the grid, beyond what was traded, Wh.'),
    lossWh: energyWh.describe('Lost in charging, Wh.'),
  }),
).meta({ id: 'SettledSlot', description: 'What flowed in a slot that is over.' })

const reading = schemaOf<Reading>()(
  z.object({
    meterId: z.string(),
    slot: slotNumber,
    slotMs: z.int().describe('Length of the slot, milliseconds.'),
    importWh: energyWh,
    exportWh: energyWh,
    quality: z.enum(['OK', 'MISSING', 'ESTIMATED', 'BAD']),
    substitutes: z.enum(['MISSING', 'BAD']).exactOptional().describe('What a substitute stands for.'),
    corrects: z.string().exactOptional().describe('Hash of the substitute that was final before this came.'),
    finalSlot: slotNumber.describe('The last slot that is final with this link.'),
    link: z.int().describe('Its place in the chain of its meter, from 1.'),
    previous: z.string().describe('Hash of the link before.'),
    hash: z.string().describe('SHA-256 of what is signed, hex.'),
    signature: z.string().describe('Ed25519, base64url.'),
  }),
).meta({ id: 'Reading', description: 'What a meter said of a slot, net, signed and bound to the link before.' })

/** What the household decides, and what flowed. */
export const energyCommands = commands({
  decisions: {
    route: 'GET /v1/decisions',
    scope: 'read',
    says: 'What the household decided about each slot, and why; newest last.',
    input: page,
    output: z.array(decision),
  },
  slots: {
    route: 'GET /v1/household/slots',
    scope: 'read',
    says: 'What flowed in each slot that is over; newest last.',
    input: page,
    output: z.array(settledSlot),
  },
  readings: {
    route: 'GET /v1/household/readings',
    scope: 'read',
    says: 'The chain of signed meter readings; newest last.',
    input: page,
    output: z.array(reading),
  },
})

export type DecisionAnswer = Shape<typeof decision>
export type SlotsAnswer = Shape<typeof energyCommands.slots.output>
