import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { CodedError, messageOf } from '../kernel/errors.ts'
import { innermost, type Options, optionDocs, optionsSchema } from './options.ts'

export type ConfigCode = 'CONFIG_UNREADABLE' | 'CONFIG_UNKNOWN_KEY' | 'CONFIG_BAD_VALUE'

/** Where a value came from, weakest first. */
export type Origin = 'default' | 'file' | 'environment' | 'flag'

export interface Config {
  readonly home: string
  readonly file: string
  readonly options: Options
  /** Origin by path (`network.zone`); what is not in it is a default. */
  readonly origins: ReadonlyMap<string, Origin>
}

type Values = Map<string, unknown>
export const CONFIG_FILE = 'config.toml'

/** Defaults, then the file in `home`, then the environment, then flags (by path); later wins; the result is frozen. */
export function loadConfig(
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, unknown>> = {},
): Config {
  const file = join(home, CONFIG_FILE)
  const origins = new Map<string, Origin>()
  const merged: Values = new Map()
  const sources: [Origin, Values][] = [
    ['file', fromFile(file)],
    ['environment', fromEnvironment(environment)],
    ['flag', new Map(Object.entries(flags).filter(([, value]) => value !== undefined))],
  ]
  for (const [origin, values] of sources) {
    for (const [path, value] of values) {
      checkKnown(path, origin, file)
      merged.set(path, value)
      origins.set(path, origin)
    }
  }
  const result = optionsSchema.safeParse(nested(merged))
  if (!result.success) throw badValue(result.error, origins, file)
  return { home, file, options: deepFreeze(result.data), origins }
}

function fromFile(file: string): Values {
  if (!existsSync(file)) return new Map()
  try {
    return flat(parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new CodedError<ConfigCode>('CONFIG_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
      hint: 'mend the line it names, or move the file away to start from the defaults',
      cause: error,
    })
  }
}

/** `WATTMESH_NETWORK_ZONE=north` is `network.zone`. Lists are separated by commas. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Values {
  const values: Values = new Map()
  for (const { path, schema } of optionDocs()) {
    const text = environment[variableOf(path)]
    if (text !== undefined) values.set(path, fromText(text, schema))
  }
  return values
}

export function variableOf(path: string): string {
  return `WATTMESH_${path
    .replace(/([A-Z])/g, '_$1')
    .replaceAll('.', '_')
    .toUpperCase()}`
}

/** `key=value` of a flag or variable, read as the option's type; what does not fit is left for the schema to refuse. */
export function fromText(text: string, schema: z.ZodType): unknown {
  const type = innermost(schema)
  if (type instanceof z.ZodArray) return text === '' ? [] : text.split(',').map(item => item.trim())
  if (type instanceof z.ZodNumber) return text.trim() === '' ? text : Number(text)
  if (type instanceof z.ZodBoolean)
    return ({ true: true, '1': true, false: false, '0': false } as Record<string, unknown>)[text] ?? text
  return text
}

function checkKnown(path: string, origin: Origin, file: string): void {
  const known = optionDocs().map(doc => doc.path)
  if (known.includes(path)) return
  const nearest = known.toSorted((a, b) => distance(path, a) - distance(path, b))[0]
  throw new CodedError<ConfigCode>(
    'CONFIG_UNKNOWN_KEY',
    `unknown option "${path}" (${origin === 'file' ? file : origin})`,
    {
      hint: `did you mean "${nearest}"? "wattmesh config" lists all options`,
    },
  )
}

function badValue(error: z.ZodError, origins: ReadonlyMap<string, Origin>, file: string): CodedError<ConfigCode> {
  const issue = error.issues[0]
  const path = issue?.path.filter(part => typeof part === 'string').join('.') ?? ''
  const origin = origins.get(path)
  const where = origin === 'file' ? file : origin === 'environment' ? variableOf(path) : `flag ${path}`
  const doc = optionDocs().find(candidate => candidate.path === path)
  return new CodedError('CONFIG_BAD_VALUE', `option "${path}" (${where}): ${issue?.message}`, {
    hint:
      doc === undefined
        ? 'see "wattmesh config"'
        : `${doc.description}${doc.unit === undefined ? '' : ` Unit: ${doc.unit}.`}`,
  })
}

function flat(object: object, prefix = ''): Values {
  const values: Values = new Map()
  for (const [key, value] of Object.entries(object)) {
    const path = prefix + key
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
    for (const [p, v] of isTable ? flat(value, `${path}.`) : [[path, value] as const]) values.set(p, v)
  }
  return values
}

function nested(values: Values): object {
  const root: Record<string, unknown> = {}
  for (const [path, value] of values) {
    const keys = path.split('.')
    const last = keys.pop() as string
    let target = root
    for (const key of keys) {
      target[key] ??= {}
      target = target[key] as Record<string, unknown>
    }
    target[last] = value
  }
  return root
}

function deepFreeze<T extends object>(object: T): T {
  for (const value of Object.values(object)) if (typeof value === 'object' && value !== null) deepFreeze(value)
  return Object.freeze(object)
}

/** Levenshtein: how many letters lie between a typing mistake and the option that was meant. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
