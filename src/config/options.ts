import { z } from 'zod'
import { compute } from './sections/compute.ts'
import { api, log, report, storage } from './sections/daemon.ts'
import { embedder } from './sections/embedder.ts'
import { household, meter, utility } from './sections/household.ts'
import { knowledge } from './sections/knowledge.ts'
import { manners } from './sections/manners.ts'
import { market } from './sections/market.ts'
import { network } from './sections/network.ts'
import { option } from './sections/option.ts'

const role = z.enum(['household', 'utility', 'compute'])

/** The law of the protocol (sizes, skews) is not here: every peer must hold to the same. */
export const optionsSchema = z.strictObject({
  name: option(z.string().max(64).default(''), 'What people call this peer.'),
  roles: option(z.array(role).default(['household']), 'What this peer does: household, utility, compute.'),
  network: network.prefault({}),
  storage: storage.prefault({}),
  household: household.prefault({}),
  meter: meter.prefault({}),
  utility: utility.prefault({}),
  market: market.prefault({}),
  compute: compute.prefault({}),
  embedder: embedder.prefault({}),
  knowledge: knowledge.prefault({}),
  manners: manners.prefault({}),
  report: report.prefault({}),
  api: api.prefault({}),
  log: log.prefault({}),
})

export type Options = z.infer<typeof optionsSchema>

export interface OptionDoc {
  readonly path: string
  readonly description: string
  readonly unit: string | undefined
  readonly schema: z.ZodType
}

/** Every leaf of the schema, in order: `network.listen`, … */
export function optionDocs(schema: z.ZodType = optionsSchema, path = ''): OptionDoc[] {
  const object = innermost(schema)
  if (!(object instanceof z.ZodObject)) {
    const meta = schema.meta() ?? {}
    return [{ path, description: String(meta['description'] ?? ''), unit: meta['unit'] as string | undefined, schema }]
  }
  return Object.entries(object.shape).flatMap(([key, child]) =>
    optionDocs(child as z.ZodType, path === '' ? key : `${path}.${key}`),
  )
}

/** The schema under its defaults and optionals. */
export function innermost(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault) {
    return innermost(schema.unwrap() as z.ZodType)
  }
  return schema
}
