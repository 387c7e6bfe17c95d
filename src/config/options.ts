import { z } from 'zod'
import { agentsOptions } from '../domains/agents/options.ts'
import { booksOptions } from '../domains/books/options.ts'
import { energyOptions } from '../domains/energy/options.ts'
import { knowledgeOptions } from '../domains/knowledge/options.ts'
import { mannersOptions } from '../domains/manners/options.ts'
import { tasksOptions } from '../domains/tasks/options.ts'
import { tradingOptions } from '../domains/trading/options.ts'
import { option } from '../kernel/option.ts'
import { compute } from './sections/compute.ts'
import { api, log, report, storage } from './sections/daemon.ts'
import { embedder } from './sections/embedder.ts'
import { market } from './sections/market.ts'
import { network } from './sections/network.ts'

const role = z.enum(['household', 'utility', 'compute'])

/** What the daemon itself is told; each domain says what it wants to know in its `options.ts`. */
const own = z.object({
  name: option(z.string().max(64).default(''), 'What people call this peer.'),
  roles: option(z.array(role).default(['household']), 'What this peer does: household, utility, compute.'),
  network: network.prefault({}),
  storage: storage.prefault({}),
  market: market.prefault({}),
  compute: compute.prefault({}),
  embedder: embedder.prefault({}),
  report: report.prefault({}),
  api: api.prefault({}),
  log: log.prefault({}),
})

const domains = [
  energyOptions,
  tradingOptions,
  booksOptions,
  agentsOptions,
  tasksOptions,
  knowledgeOptions,
  mannersOptions,
] as const

export type Options = z.output<typeof own> &
  z.output<typeof energyOptions> &
  z.output<typeof tradingOptions> &
  z.output<typeof booksOptions> &
  z.output<typeof agentsOptions> &
  z.output<typeof tasksOptions> &
  z.output<typeof knowledgeOptions> &
  z.output<typeof mannersOptions>

/**
 * Every option: sections of one name are one section, whoever asks for what in it. An unknown key is an error. The law
 * of the protocol (sizes, skews) is not here: every peer must hold to the same.
 */
export const optionsSchema = composed([own, ...domains]) as unknown as z.ZodType<Options>

/** @throws TypeError when two ask for the same option */
export function composed(tables: readonly z.ZodObject[]): z.ZodObject {
  const sections = new Map<string, Record<string, z.ZodType>>()
  const leaves: Record<string, z.ZodType> = {}
  for (const [key, schema] of tables.flatMap(({ shape }) => Object.entries(shape) as [string, z.ZodType][])) {
    const section = innermost(schema)
    if (!(section instanceof z.ZodObject)) leaves[key] = schema
    else sections.set(key, joined(key, sections.get(key) ?? {}, section.shape))
  }
  const objects = [...sections].map(([key, shape]) => [key, z.strictObject(shape).prefault({})])
  return z.strictObject({ ...leaves, ...Object.fromEntries(objects) })
}

function joined(section: string, known: Record<string, z.ZodType>, more: Record<string, z.ZodType>) {
  const twice = Object.keys(more).find(key => key in known)
  if (twice !== undefined) throw new TypeError(`two domains ask for the option ${section}.${twice}`)
  return { ...known, ...more }
}

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
