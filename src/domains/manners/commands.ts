import { z } from 'zod'
import { commands, type Shape, schemaOf } from '../../daemon/command.ts'
import { microPerKwh, nothing, timeMs } from '../../daemon/words.ts'
import type { Conditions, WaitingWork } from './conditions.ts'
import type { Preferences } from './preferences.ts'
import type { Pause } from './watch.ts'
import type { Willingness } from './willingness.ts'

const percent = z.number().describe('Percent.')
const watts = z.number().describe('Watts.')

const verdict = schemaOf<Willingness>()(
  z.discriminatedUnion('allowed', [
    z.object({
      allowed: z.literal(true),
      limits: z.object({ threads: z.int(), memoryMb: z.number() }),
      forced: z.boolean().describe('Its energy says no, but work must not wait longer.'),
      sentence: z.string(),
    }),
    z.object({
      allowed: z.literal(false),
      code: z.enum([
        'MANNERS_STARTING',
        'MANNERS_NOT_OFFERED',
        'MANNERS_PAUSED',
        'MANNERS_ON_BATTERY',
        'MANNERS_TOO_HOT',
        'MANNERS_METERED',
        'MANNERS_HOURS',
        'MANNERS_USER_ACTIVE',
        'MANNERS_CPU_BUSY',
        'MANNERS_NO_MEMORY',
        'MANNERS_SURPLUS_UNKNOWN',
        'MANNERS_NO_SURPLUS',
        'MANNERS_BETTER_USE',
        'MANNERS_PRICE_UNKNOWN',
        'MANNERS_PRICE_HIGH',
      ]),
      sentence: z.string(),
      untilMs: timeMs.exactOptional().describe('When it ends, as far as is known, Unix milliseconds.'),
    }),
  ]),
).meta({ id: 'Verdict', description: 'Whether this machine works for others now, and why.' })

const waiting = schemaOf<WaitingWork>()(
  z.object({ sinceMs: timeMs, latestStartMs: timeMs, takenMs: timeMs.exactOptional() }),
)

const price = microPerKwh.optional()
const conditions = schemaOf<Conditions>()(
  z.object({
    atMs: timeMs,
    minuteOfDay: z.int().describe('Of the local day, from 0 to 1439.'),
    sensed: z
      .object({
        onBattery: z.boolean().optional(),
        userIdleMs: z.number().optional().describe('Since somebody last touched the machine, milliseconds.'),
        otherCpuPercent: percent.optional().describe('Of the processors, without what this daemon uses.'),
        temperatureC: z.number().optional(),
        metered: z.boolean().optional().describe('Whether the network is paid by volume.'),
      })
      .describe('What the sensors tell; what is missing is unknown.'),
    machine: z.object({
      cores: z.number(),
      memoryMb: z.number(),
      maxThreads: z.number(),
      threadMemoryMb: z.number().describe('What a thread needs for the largest kind of task, MB.'),
    }),
    energy: z
      .object({
        surplusW: watts.optional().describe('Flows out of the house, less what is sold of it; negative: it lacks.'),
        soldW: watts.optional(),
        computingW: watts,
        sellMicro: price,
        feedInMicro: price,
        storeMicro: price,
        buyMicro: price,
        workMicro: price,
      })
      .optional()
      .describe('Powers, and prices in millionths a kWh; missing where there is no household.'),
    pausedUntilMs: timeMs.optional(),
    waiting: waiting.optional().describe('Work that was held back for its energy alone.'),
  }),
).meta({ id: 'Conditions', description: 'All that the verdict is made from.' })

/** What a decision is made from, and what else its owner said of manners. */
type Said = Preferences & { readonly sensors: boolean; readonly maxWaitHours: number; readonly graceSeconds: number }

const preferences = schemaOf<Said>()(
  z.object({
    mode: z.enum(['always', 'idle', 'surplus', 'cheap']),
    sensors: z.boolean().describe('Whether the machine is looked at.'),
    onBattery: z.boolean(),
    onMetered: z.boolean(),
    idleMinutes: z.number(),
    activeCpuPercent: percent,
    awayCpuPercent: percent,
    activeCoresPercent: percent,
    awayCoresPercent: percent,
    activeMemoryPercent: percent,
    awayMemoryPercent: percent,
    hours: z.array(z.string()).describe('Windows of local time, 22:00-06:00; none: the whole day.'),
    maxTemperatureC: z.number(),
    surplusFactor: z.number(),
    surplusMinutes: z.number(),
    deficitSeconds: z.number(),
    worthMicro: microPerKwh,
    cheapMicro: microPerKwh,
    maxWaitHours: z.number().describe('Work refused for so long is taken anyway; 0: never.'),
    graceSeconds: z.number().describe('What running tasks get to finish when a pause begins.'),
    taskPowerW: watts,
  }),
).meta({ id: 'Preferences', description: 'When its owner lets this machine work for others.' })

const pause = schemaOf<Pause>()(z.object({ untilMs: timeMs, saidMs: timeMs }))

const compute = z
  .object({
    offered: z.boolean().describe('Whether this peer works for others at all.'),
    verdict,
    conditions,
    preferences,
    paused: pause.exactOptional().describe('A person’s word, while it holds.'),
  })
  .meta({ id: 'Compute' })

/** When this machine works for others. */
export const mannersCommands = commands({
  compute: {
    route: 'GET /v1/compute',
    scope: 'read',
    says: 'Whether this machine works for others now, why, and what was looked at.',
    input: nothing,
    output: compute,
  },
  pause: {
    route: 'POST /v1/compute/pause',
    scope: 'control',
    says: 'Works for nobody else for a time.',
    input: z.strictObject({ forMs: z.int().min(1).describe('Milliseconds; at most 30 days.') }),
    output: compute,
  },
  resume: {
    route: 'POST /v1/compute/resume',
    scope: 'control',
    says: 'Takes a pause back.',
    input: nothing,
    output: compute,
  },
})

export type ComputeAnswer = Shape<typeof mannersCommands.compute.output>
