import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/**
 * Beckn's own schemas and examples, where they are at hand: their licence keeps them out of this project, so tests that
 * hold us against them are skipped without them.
 */
const FOLDER = fileURLToPath(new URL('../../../shared/data/beckn/', import.meta.url))
export const BECKN_ABSENT = !existsSync(FOLDER)

export interface BecknExample {
  readonly name: string
  readonly file: string
  readonly message: object
}

export function becknExamples(): BecknExample[] {
  if (BECKN_ABSENT) return []
  return readdirSync(join(FOLDER, 'examples')).map(name => {
    const file = join(FOLDER, 'examples', name)
    return { name, file, message: JSON.parse(readFileSync(file, 'utf8')) as object }
  })
}

/** What is wrong with a message by one edition of the core, and by the packs it names; empty when nothing is. */
export type Judge = (message: object) => string[]

type Validate = ((value: unknown) => boolean) & { errors?: { instancePath: string; message?: string }[] | null }

interface Ajv {
  addSchema(schema: object): void
  compile(schema: object): Validate
  getSchema(id: string): Validate | undefined
}

/** CommonJS, whose types know no `import` of a class in it. */
const require = createRequire(import.meta.url)
function createAjv(): Ajv {
  const Ajv2020 = (require('ajv/dist/2020.js') as { default: new (options: object) => Ajv }).default
  const addFormats = (require('ajv-formats') as { default: (ajv: Ajv) => void }).default
  const ajv = new Ajv2020({ strict: false, logger: false })
  addFormats(ajv)
  return ajv
}

function readYaml<T>(...path: string[]): T {
  return parse(readFileSync(join(FOLDER, ...path), 'utf8'), { maxAliasCount: -1 }) as T
}

const errorsOf = (validate: Validate, value: unknown): string[] =>
  validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)

/** A judge for each edition of the core at hand. */
export function becknJudges(): Judge[] {
  const packs = createPacks()
  return readdirSync(join(FOLDER, 'v2-lts'))
    .filter(name => name.endsWith('.yaml'))
    .map(file => {
      const core = createCore(file)
      return message => [...core(message), ...bagsIn((message as { message?: unknown }).message).flatMap(packs)]
    })
}

function createCore(file: string): Judge {
  const ajv = createAjv()
  const spec = readYaml<{
    components: object
    paths: Record<string, { post?: { requestBody?: { content?: Record<string, { schema?: object }> } } }>
  }>('v2-lts', file)
  const id = 'https://beckn.local/openapi'
  const resolved = <T extends object>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/components/', `"${id}#/components/`)) as T
  ajv.addSchema({ $id: id, components: resolved(spec.components) })
  const compiled = new Map<string, Validate>()
  return message => {
    const { action } = (message as { context?: { action?: string } }).context ?? {}
    const schema = spec.paths[`/${action}`]?.post?.requestBody?.content?.['application/json']?.schema
    if (schema === undefined) return [`no action ${action}`]
    const validate = compiled.get(`${action}`) ?? ajv.compile(resolved(schema))
    compiled.set(`${action}`, validate)
    return errorsOf(validate, message)
  }
}

interface Bag {
  readonly '@context': string
  readonly '@type': string
}

function bagsIn(value: unknown): Bag[] {
  if (typeof value !== 'object' || value === null) return []
  const { '@context': context, '@type': type } = value as Partial<Bag>
  const own = typeof context === 'string' && typeof type === 'string' ? [value as Bag] : []
  return [...own, ...Object.values(value).flatMap(bagsIn)]
}

const ORIGIN = 'https://schema.nfh.global/'
const idOf = (pack: string): string => `${ORIGIN}${pack}/attributes.yaml`

/** One spelling of every reference between packs. */
function canonical(text: string, pack: string): string {
  return text
    .replace(/"\$ref":"#\//g, `"$ref":"${idOf(pack)}#/`)
    .replace(
      /https:\/\/schema\.(?:nfh\.global|beckn\.io)\/([A-Za-z]+)\/v?([0-9.]+)(?:\/attributes\.yaml)?(?=["#])/g,
      `${ORIGIN}$1/v$2/attributes.yaml`,
    )
}

function createPacks(): (bag: Bag) => string[] {
  const ajv = createAjv()
  const types = new Map<string, Record<string, { 'x-jsonld'?: { '@type'?: string } }>>()
  const texts: string[] = []
  const files = readdirSync(join(FOLDER, 'energy-schemas'), { recursive: true, encoding: 'utf8' })
  for (const file of files.filter(name => name.endsWith('/attributes.yaml'))) {
    const pack = file.slice(0, -'/attributes.yaml'.length)
    const { components } = readYaml<{ components?: { schemas?: never } }>('energy-schemas', file)
    types.set(pack, components?.schemas ?? {})
    const text = canonical(JSON.stringify({ components }), pack)
    texts.push(text)
    try {
      ajv.addSchema({ $id: idOf(pack), ...(JSON.parse(text) as object) })
    } catch {
      // A few packs claim the id of another; none of them is used by an example.
    }
  }
  for (const [id, schemas] of absentPacks(texts, types)) ajv.addSchema({ $id: id, components: { schemas } })
  return bag => {
    const [, name, version] = /^https:\/\/schema\.nfh\.global\/([^/]+)\/v?([^/]+)\//.exec(bag['@context']) ?? []
    const schemas = types.get(`${name}/v${version}`)
    if (schemas === undefined) return []
    const key = Object.keys(schemas).find(
      each => each === bag['@type'] || schemas[each]?.['x-jsonld']?.['@type'] === bag['@type'],
    )
    const validate = ajv.getSchema(`${idOf(`${name}/v${version}`)}#/components/schemas/${key ?? name}`)
    if (validate === undefined) return []
    const { '@context': _, '@type': type, ...rest } = bag
    return errorsOf(validate, rest).map(said => `${type}${said}`)
  }
}

/** Location, TimePeriod, … are not among the packs at hand: what stands there may be anything. */
function absentPacks(texts: readonly string[], types: ReadonlyMap<string, unknown>) {
  const absent = new Map<string, Record<string, object>>()
  for (const [, id = '', name = ''] of texts
    .join()
    .matchAll(/"\$ref":"(https:[^"#]+)#\/components\/schemas\/(\w+)"/g)) {
    const pack = id.slice(ORIGIN.length, -'/attributes.yaml'.length)
    if (!types.has(pack)) absent.set(id, { ...absent.get(id), [name]: {} })
  }
  return absent
}
