import { z } from 'zod'
import { rating, support, tracking } from './core/aftercare.ts'
import { catalog, publication } from './core/catalog.ts'
import { contract, knownContract } from './core/contract.ts'
import { text } from './core/formats.ts'
import { intent, pull } from './core/intent.ts'

/** Who must be named in the context. */
export type Party = 'bapId' | 'bppId'

interface ActionRules {
  /** The field of `message` by which the action is known. */
  readonly body: string
  readonly parties: readonly Party[]
  /** The shape of `message`. */
  readonly message: z.ZodType
}

const BUYER: readonly Party[] = ['bapId']
const SELLER: readonly Party[] = ['bppId']
const BOTH: readonly Party[] = ['bapId', 'bppId']

const closed = { body: 'contract', parties: BOTH, message: z.strictObject({ contract }) }
const open = { body: 'contract', parties: BOTH, message: z.looseObject({ contract }) }
const known = { body: 'contract', parties: BOTH, message: z.looseObject({ contract: knownContract }) }
const follow = { body: 'tracking', parties: BOTH, message: z.strictObject({ tracking }) }
const help = { body: 'support', parties: BOTH, message: z.strictObject({ support }) }
const catalogs = z.array(catalog)

/** Every action of Beckn 2.0.0 that peers say to each other. */
export const ACTIONS = {
  discover: {
    body: 'intent',
    parties: BUYER,
    message: z.strictObject({ intent, textSearch: text.optional(), text_search: text.optional() }),
  },
  // An index that answers is no seller; the catalogs in it name theirs.
  on_discover: { body: 'catalogs', parties: BUYER, message: z.strictObject({ catalogs }) },
  select: closed,
  on_select: closed,
  init: closed,
  on_init: closed,
  confirm: open,
  on_confirm: closed,
  status: known,
  on_status: closed,
  track: follow,
  on_track: follow,
  update: closed,
  on_update: closed,
  cancel: known,
  on_cancel: closed,
  rate: { body: 'ratingInputs', parties: BOTH, message: z.strictObject({ ratingInputs: z.array(rating) }) },
  on_rate: { body: 'ratings', parties: BOTH, message: z.strictObject({ ratings: z.array(rating) }) },
  support: help,
  on_support: help,
  'catalog/publish': { body: 'catalogs', parties: SELLER, message: z.looseObject({ catalogs: catalogs.min(1) }) },
  'catalog/on_publish': {
    body: 'results',
    parties: SELLER,
    message: z.looseObject({ results: z.array(publication) }),
  },
  'catalog/pull': { body: 'mode', parties: BUYER, message: pull },
} as const satisfies Record<string, ActionRules>

export type KnownAction = keyof typeof ACTIONS

/** The same actions by the names one edition has for them. */
const OTHER_NAMES: Readonly<Record<string, KnownAction>> = {
  catalog_publish: 'catalog/publish',
  on_catalog_publish: 'catalog/on_publish',
}

export function knownAction(name: string): KnownAction | undefined {
  if (Object.hasOwn(OTHER_NAMES, name)) return OTHER_NAMES[name]
  return Object.hasOwn(ACTIONS, name) ? (name as KnownAction) : undefined
}

/** The fields that say what a message is about. */
export const BODIES: ReadonlySet<string> = new Set(Object.values(ACTIONS).map(({ body }) => body))
