import { z } from 'zod'
import { option } from '../../kernel/option.ts'

const household = z.object({
  capacityWh: option(z.int().min(0).default(10_000), 'Battery capacity.', 'Wh'),
  socPercent: option(z.number().min(0).max(100).default(50), 'State of charge at the very first start.', '%'),
  sellAbovePercent: option(z.number().min(0).max(100).default(60), 'Sell while the battery is fuller than this.', '%'),
  buyBelowPercent: option(z.number().min(0).max(100).default(40), 'Buy while the battery is emptier than this.', '%'),
  minSocPercent: option(z.number().min(0).max(100).default(10), 'The battery is never emptied below this.', '%'),
  loadWh: option(z.int().min(0).default(0), 'Simulated consumption in a market slot.', 'Wh'),
  solarWh: option(z.int().min(0).default(0), 'Simulated generation in a market slot.', 'Wh'),
  dataFile: option(
    z.string().optional(),
    'Replay load and solar from a CSV file with the columns load_wh and solar_wh, a row a slot.',
    'path',
  ),
  cRate: option(z.number().positive().max(10).default(0.5), 'Battery power: charged or emptied in 1/C hours.', 'C'),
  efficiencyPercent: option(
    z.number().min(1).max(100).default(100),
    'What a full turn through the battery returns.',
    '%',
  ),
  strategyFile: option(
    z.string().optional(),
    'A module whose default export decides instead of the thresholds.',
    'path',
  ),
})

const meter = z.object({
  source: option(
    z.enum(['simulated', 'mqtt']).default('simulated'),
    'Where readings, and the surplus that manners compute on, come from: the household above, or MQTT.',
  ),
  mqttUrl: option(z.string().default('mqtt://127.0.0.1:1883'), 'The broker of your smart-meter reader.', 'URL'),
  mqttImportTopic: option(
    z.string().default('meter/import_wh'),
    'Topic of the import register, in Wh since ever; published every 2 min or sooner.',
  ),
  mqttExportTopic: option(
    z.string().default('meter/export_wh'),
    'Topic of the export register; likewise. Empty: nothing ever flows out.',
  ),
  graceSeconds: option(
    z.number().min(0).default(60),
    'How long after a slot a reading may come before it is estimated; market time.',
    's',
  ),
})

export const energyOptions = z.object({ household: household.prefault({}), meter: meter.prefault({}) })
