import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { agreedTrade, OK } from '../support/agreed-trade.ts'
import { createTown, type Party, type Sent } from '../support/two-markets.ts'

/** The official schemas are not ours to copy; where they are at hand, everything we say is held against them. */
const FOLDER = fileURLToPath(new URL('../../../shared/data/beckn/', import.meta.url))
const missing = !existsSync(FOLDER)

interface Ajv {
  addSchema(schema: object): void
  compile(
    schema: object,
  ): ((value: unknown) => boolean) & { errors?: { instancePath: string; message?: string }[] | null }
  getSchema(id: string): ReturnType<Ajv['compile']> | undefined
}

/** CommonJS, whose types know no `import` of a class in it. */
const require = createRequire(import.meta.url)
function createAjv(): Ajv {
  const Ajv2020 = (require('ajv/dist/2020.js') as { default: new (options: object) => Ajv }).default
  const addFormats = (require('ajv-formats') as { default: (ajv: Ajv) => void }).default
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  addFormats(ajv)
  return ajv
}

const readYaml = (file: string): Record<string, never> =>
  parse(readFileSync(file, 'utf8'), { maxAliasCount: -1 }) as Record<string, never>

/** Every type of Beckn message our domain sends, on its way to trades that are agreed, changed, settled, refused and cancelled. */
function everythingSaid(): Sent[] {
  const said = [...marketSaid(), ...agreementSaid()].filter(({ draft }) => draft.type.startsWith('beckn.'))
  expect(new Set(said.map(({ draft }) => draft.type)).size).toBe(22)
  return said
}

function marketSaid(): Sent[] {
  const town = createTown(['buyer', 'cheap', 'dear'], { gridFeeMicro: () => 1_000 })
  const [buyer, cheap, dear] = town.parties as [Party, Party, Party]
  const tariff = { retailMicro: 250_000, feedInMicro: 80_000, gridFeeMicro: 30_000 }
  town.offer(cheap, { priceMicro: 90_000 })
  town.offer(dear, { priceMicro: 120_000 }, { sourceType: 'GRID', role: 'utility', tariff })
  town.want(buyer)
  town.settle()
  town.pass(1_000)
  town.settle()
  const [agreed] = buyer.store.tradesInState('active')
  if (agreed === undefined) throw new Error('no trade was agreed')
  town.keep(buyer, buyer.trading.askCancelTerms(agreed.transactionId))
  town.settle()
  town.keep(buyer, buyer.trading.cancelTrade(agreed.transactionId))
  town.settle()
  for (const sourceType of ['BATTERY', 'HYBRID', 'RENEWABLE'] as const)
    town.offer(dear, {}, { sourceType, version: town.now() + 1 })
  town.settle()
  // A status of a trade that was never agreed, and a confirm that came too late.
  town.want(buyer, 1_000)
  town.settle()
  town.pass(1_000)
  town.settle(({ draft }) => draft.type === 'beckn.confirm')
  town.pass(10_000)
  town.settle()
  town.pass(60_000)
  town.settle()
  town.keep(dear, dear.trading.withdraw())
  town.keep(dear, dear.trading.joined(cheap.self))
  town.settle()
  town.keep(buyer, buyer.trading.joined(cheap.self))
  town.settle()
  return town.sent
}

function agreementSaid(): Sent[] {
  const { town, buyer, seller, id, deliver } = agreedTrade()
  town.keep(buyer, buyer.trading.reduceTrade(id, 900))
  town.settle()
  town.keep(seller, seller.trading.curtailTrade(id, { energyWh: 800, reason: 'MAINTENANCE' }))
  town.settle()
  town.keep(buyer, buyer.trading.trackTrade(id))
  town.keep(buyer, buyer.trading.askSupport(id))
  town.settle()
  deliver(OK(800, 0), { importWh: 0, exportWh: 333, quality: 'ESTIMATED' })
  town.settle()
  town.keep(buyer, buyer.trading.trackTrade(id))
  town.keep(buyer, buyer.trading.rateTrade(id, { stars: 5, words: 'thank you' }))
  town.settle()
  return town.sent
}

const core = (file: string) => {
  const ajv = createAjv()
  const spec = readYaml(join(FOLDER, 'v2-lts', file)) as unknown as {
    components: object
    paths: Record<string, { post?: { requestBody?: { content?: Record<string, { schema?: object }> } } }>
  }
  const id = 'https://beckn.local/openapi'
  const resolved = <T extends object>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/components/', `"${id}#/components/`)) as T
  ajv.addSchema({ $id: id, components: resolved(spec.components) })
  return (action: string) => {
    const schema = spec.paths[`/${action}`]?.post?.requestBody?.content?.['application/json']?.schema
    return schema === undefined ? undefined : ajv.compile(resolved(schema))
  }
}

const specs = missing ? ['beckn'] : readdirSync(join(FOLDER, 'v2-lts')).filter(name => name.endsWith('.yaml'))

test.skipIf(missing).each(specs)('every message of a trade is valid by %s', file => {
  const schemaOf = core(file)
  const actions = new Set<string>()
  for (const { draft } of everythingSaid()) {
    const { context } = draft.payload as { context: { action: string } }
    // The core names the catalog's action by its path in one edition, by its name in the other.
    const validate = schemaOf(context.action) ?? schemaOf(context.action.replace('/', '_'))
    if (validate === undefined) throw new Error(`${file} knows no action ${context.action}`)
    actions.add(context.action)
    validate(draft.payload)
    const said = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
    expect(said, `${context.action}: ${JSON.stringify(draft.payload).slice(0, 2_000)}`).toEqual([])
  }
  const [requests, callbacks] = [FLOW, FLOW.map(action => `on_${action}`)]
  expect([...actions].toSorted()).toEqual(['catalog/publish', 'catalog/pull', ...requests, ...callbacks].toSorted())
})

const FLOW = ['discover', 'select', 'init', 'confirm', 'status', 'update', 'cancel', 'track', 'rate', 'support']

test.skipIf(missing)('what is said by the official energy packs is valid by them', () => {
  const packs = createPacks()
  const checked = new Map<string, number>()
  for (const { draft } of everythingSaid()) {
    for (const attributes of attributesIn(draft.payload['message'])) {
      const found = packs(attributes)
      if (found === undefined) continue
      const { '@context': _, '@type': type, ...rest } = attributes
      found(rest)
      const said = (found.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
      expect(said, `${draft.type}: ${JSON.stringify(attributes)}`).toEqual([])
      checked.set(type, (checked.get(type) ?? 0) + 1)
    }
  }
  expect([...checked.keys()].toSorted()).toEqual(
    [
      ...['DEGContract', 'EnergyCustomer', 'EnergyResource', 'EnergyTradeOffer', 'RevenueFlow', 'TimeSeries'],
    ].toSorted(),
  )
})

interface Attributes {
  readonly '@context': string
  readonly '@type': string
}

function attributesIn(value: unknown): Attributes[] {
  if (typeof value !== 'object' || value === null) return []
  const own = '@context' in value && '@type' in value ? [value as Attributes] : []
  return [...own, ...Object.values(value).flatMap(attributesIn)]
}

function createPacks() {
  const ajv = createAjv()
  const base = join(FOLDER, 'energy-schemas')
  const texts: string[] = []
  const types = new Map<string, Record<string, { 'x-jsonld'?: { '@type'?: string } }>>()
  const idOf = (pack: string): string => `https://schema.nfh.global/${pack}/attributes.yaml`
  const packOf = (id: string): string => id.slice('https://schema.nfh.global/'.length, -'/attributes.yaml'.length)
  const files = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('attributes.yaml'),
  )
  for (const file of files) {
    const pack = file.slice(0, -'/attributes.yaml'.length)
    const { components } = readYaml(join(base, file)) as unknown as { components?: { schemas: never } }
    types.set(pack, components?.schemas ?? {})
    const text = JSON.stringify({ components })
      .replace(/"\$ref":"#\//g, `"$ref":"${idOf(pack)}#/`)
      .replace(
        /https:\/\/schema\.(?:nfh\.global|beckn\.io)\/([A-Za-z]+)\/v?([0-9.]+)(?:\/attributes\.yaml)?(?=["#])/g,
        'https://schema.nfh.global/$1/v$2/attributes.yaml',
      )
    texts.push(text)
    try {
      ajv.addSchema({ $id: idOf(pack), ...(JSON.parse(text) as object) })
    } catch {
      // A few packs claim the id of another; a pack of ours that is missing fails below.
    }
  }
  // Beckn's Location, TimePeriod, … are not among the packs at hand: what stands there may be anything.
  const missing = new Map<string, Record<string, object>>()
  for (const [, id = '', name = ''] of texts
    .join()
    .matchAll(/"\$ref":"(https:[^"#]+)#\/components\/schemas\/(\w+)"/g)) {
    if (!types.has(packOf(id))) missing.set(id, { ...missing.get(id), [name]: {} })
  }
  for (const [id, schemas] of missing) ajv.addSchema({ $id: id, components: { schemas } })
  return (attributes: Attributes) => {
    const [, pack] =
      /^https:\/\/schema\.nfh\.global\/([^/]+\/v[^/]+)\/context\.jsonld$/.exec(attributes['@context']) ?? []
    if (pack === undefined) return undefined
    const schemas = types.get(pack)
    if (schemas === undefined) throw new Error(`no pack ${pack}`)
    const name = Object.keys(schemas).find(
      key => key === attributes['@type'] || schemas[key]?.['x-jsonld']?.['@type'] === attributes['@type'],
    )
    const validate = ajv.getSchema(`${idOf(pack)}#/components/schemas/${name}`)
    if (validate === undefined) throw new Error(`pack ${pack} has no ${attributes['@type']}`)
    return validate
  }
}
