import { z } from 'zod'
import { flag, option, price } from '../../kernel/option.ts'

const percent = (byDefault: number) => z.number().min(0).max(100).default(byDefault)
const window = z.string().regex(/^\s*\d{1,2}:[0-5]\d-\d{1,2}:[0-5]\d\s*$/, 'a window of the day, like 22:00-06:00')

/** When this machine works for others. The defaults are those of BOINC, on which people's machines have been for decades. */
const manners = z.object({
  mode: option(
    z.enum(['always', 'idle', 'surplus', 'cheap']).default('always'),
    'Work for others always, only while you are away, only on your own surplus, or only while energy is cheap.',
  ),
  sensors: option(flag(true), 'Look at battery, user, processor, heat and network; without, they count as unknown.'),
  onBattery: option(flag(false), 'Work on battery too.'),
  onMetered: option(flag(false), 'Work on a network that is paid by volume too.'),
  idleMinutes: option(z.number().min(0).default(3), 'Without input for this long, you are away.', 'min'),
  activeCpuPercent: option(percent(25), 'Pause while other programs use more of the processor; you are here.', '%'),
  awayCpuPercent: option(percent(50), 'Pause while other programs use more of the processor; you are away.', '%'),
  activeCoresPercent: option(percent(50), 'Share of the cores for tasks while you are here; one at least.', '%'),
  awayCoresPercent: option(percent(100), 'Share of the cores for tasks while you are away; one at least.', '%'),
  activeMemoryPercent: option(percent(50), 'Share of the memory for tasks while you are here.', '%'),
  awayMemoryPercent: option(percent(90), 'Share of the memory for tasks while you are away.', '%'),
  hours: option(
    z.array(window).default([]),
    'Work in these windows of local time only, like 22:00-06:00; none: the whole day.',
  ),
  maxTemperatureC: option(z.number().min(30).max(120).default(85), 'Pause while the processor is hotter.', '°C'),
  surplusFactor: option(
    z.number().min(1).default(1.3),
    'Surplus starts work when it is this many times the power of a task.',
    '×',
  ),
  surplusMinutes: option(z.number().min(0).default(3), 'How long it must have lasted.', 'min'),
  deficitSeconds: option(z.number().min(0).default(60), 'How long work goes on after the surplus has ended.', 's'),
  worthMicro: option(
    price(200_000),
    'What a kWh of computing is worth to you; it competes with selling.',
    'millionths/kWh',
  ),
  cheapMicro: option(price(100_000), 'Mode cheap: the most that a kWh may cost.', 'millionths/kWh'),
  maxWaitHours: option(
    z.number().min(0).default(0),
    'Modes surplus and cheap: work refused for so long is taken anyway; 0: never.',
    'h',
  ),
  graceSeconds: option(z.number().min(0).default(30), 'What running tasks get to finish when a pause begins.', 's'),
})

export const mannersOptions = z.object({ manners: manners.prefault({}) })
