import { describe, expect, test } from 'vitest'
import { type ContractBody, contractMessage, readContract } from '../../src/domains/trading/beckn/contract-body.ts'
import { validateMessage } from '../../src/domains/trading/beckn/rules/validate.ts'
import { becknRow } from '../../src/domains/trading/router.ts'
import type { JsonObject } from '../../src/kernel/outcome.ts'
import { withMessage } from '../support/agreed-trade.ts'
import type { Fields, Message } from '../support/contract-faults.ts'
import { faultsOf } from '../support/live-faults.ts'
import { mutants } from '../support/mutants.ts'
import { ALL, createTown, type Party, type Sent } from '../support/two-markets.ts'
import { eachAction, WHOLE_TRADE, wholeTrade } from '../support/whole-trade.ts'

/** What a party answers to a message with another payload, and whether anything would follow from it. Nothing is kept. */
function answerTo({ from, draft }: Sent, to: Party, payload: object, town: ReturnType<typeof createTown>) {
  const row = to.trading.messages.get(draft.type) ?? expect.fail(`no row for ${draft.type}`)
  const envelope = town.envelopeOf(from, { ...draft, payload: payload as JsonObject })
  const { facts, messages, answer } = row.handle(envelope, envelope.payload)
  return { code: answer.status === 'NACK' ? answer.error.code : 'ACK', follows: facts.length + messages.length }
}

const actionOf = ({ draft }: Sent): string => String((draft.payload['context'] as Fields)['action'])

test('what honest peers say in a whole trade is accepted live: bought, changed, tracked, settled, rated, cancelled', () => {
  const heard = new Set<string>()
  const { town } = wholeTrade(({ draft }) => void heard.add(draft.type))
  expect(town.refusals).toEqual([])
  expect([...heard].sort()).toEqual([...WHOLE_TRADE].sort())
  const refused = town.sent
    .filter(({ draft }) => draft.type.startsWith('beckn.'))
    .map(sent => [actionOf(sent), validateMessage(sent.draft.payload)] as const)
    .filter(([, verdict]) => !verdict.ok)
  expect(refused).toEqual([])
})

describe('a message with one fault is refused with the code of its layer, and nothing follows', () => {
  /** Each first message of its kind, with every fault there is for it, held before its receiver. */
  function refusals() {
    const found = new Map<string, { what: string; code: string; follows: number; wanted: string }[]>()
    eachAction((sent, to, town) => {
      const rows = faultsOf(sent.draft.payload as unknown as Message).map(({ what, code: wanted, payload }) => {
        return { what, wanted, ...answerTo(sent, to, payload, town) }
      })
      found.set(sent.draft.type, rows)
    })
    return found
  }
  const found = refusals()

  test.each(WHOLE_TRADE.filter(type => type.startsWith('beckn.')))('%s', type => {
    const rows = found.get(type) ?? expect.fail('never said')
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.map(({ what, code, follows }) => [what, code, follows])).toEqual(
      rows.map(({ what, wanted }) => [what, wanted, 0]),
    )
  })
})

test('whatever the standard, its packs or the network’s rules refuse is refused live: every mutant of every message', {
  timeout: 120_000,
}, () => {
  let wrong = 0
  eachAction((sent, to, town) => {
    const refused = [...mutants(sent.draft.payload)].filter(
      ({ kind, message }) => kind !== 'retyped' && !validateMessage(message).ok,
    )
    const answers = refused.map(({ what, message }) => ({ what, ...answerTo(sent, to, message, town) }))
    expect(answers.filter(({ code, follows }) => follows > 0 || !/^(NET|CTX|AUT|SCH|POL)_/.test(code))).toEqual([])
    wrong += refused.length
  })
  expect(wrong).toBeGreaterThan(1_000)
})

describe('a replay', () => {
  test('of a request under a fresh envelope id is another message that bears its id', () => {
    const codes = new Map<string, string>()
    eachAction((sent, to, town) => {
      const { type } = sent.draft
      if (!/^beckn\.(?!on_|catalog|discover)/.test(type)) return
      const { id: _, ...fresh } = sent.draft
      codes.set(type, answerTo({ ...sent, draft: fresh }, to, sent.draft.payload, town).code)
    })
    expect(codes.size).toBe(9)
    expect(new Set(codes.values())).toEqual(new Set(['CTX_MESSAGE_ID_DUPLICATE']))
  })

  test('of a callback under a fresh envelope id changes nothing: it is known already, or answers nothing any more', () => {
    const codes = new Map<string, Set<string>>()
    let before: { sent: Sent; to: Party } | undefined
    wholeTrade((sent, to, town) => {
      const said = before
      before = sent.draft.type.startsWith('beckn.on_') ? { sent, to } : undefined
      if (said === undefined) return
      const { id: _, ...fresh } = said.sent.draft
      const stood = structuredClone([
        said.to.store.trades(ALL),
        said.to.books.batches(ALL),
        said.to.books.receipts(ALL),
      ])
      const answer = town.deliver({ ...said.sent, draft: fresh }, said.to)
      expect([said.to.store.trades(ALL), said.to.books.batches(ALL), said.to.books.receipts(ALL)]).toEqual(stood)
      const { type } = said.sent.draft
      codes.set(type, (codes.get(type) ?? new Set()).add(answer.status === 'NACK' ? answer.error.code : 'ACK'))
    })
    expect(codes.size).toBeGreaterThan(5)
    for (const said of codes.values())
      expect(['ACK', 'BIZ_INVALID_STATE_TRANSITION']).toEqual(expect.arrayContaining([...said]))
  })

  test('by somebody else is not the word of who signed it first', () => {
    const town = createTown(['buyer', 'seller', 'thief'])
    const [buyer, seller, thief] = town.parties as [Party, Party, Party]
    town.offer(seller)
    town.want(buyer)
    const said = town.take()
    for (const sent of said)
      for (const to of [buyer, seller].filter(party => party !== sent.from))
        expect(answerTo({ ...sent, from: thief }, to, sent.draft.payload, town)).toEqual({
          code: 'AUT_UNAUTHORIZED_ACTION',
          follows: 0,
        })
  })
})

describe('a signature', () => {
  /** Contracts whose signature of that side is missing, forged, or over other terms than they say. */
  function badlySigned(said: ContractBody, side: 'buyer' | 'seller', sign: (text: string) => string) {
    const other = side === 'buyer' ? 'seller' : 'buyer'
    const { [side]: own = '', [other]: theirs } = said.signatures ?? {}
    const others = theirs === undefined ? {} : { [other]: theirs }
    const signed = (value: string, more: Partial<ContractBody> = {}) => {
      return { ...said, ...more, signatures: { ...others, [side]: value } }
    }
    return {
      'is not there': { ...said, signatures: others },
      'is over something else': signed(sign('something else')),
      'is not that side’s': signed(theirs ?? 'x'),
      'is over the terms, and other terms are said': signed(own, { energyWh: said.energyWh - 1 }),
      'is over the terms, and another price is said': signed(own, { priceMicro: 1 }),
      'is over the terms of another contract': signed(own, { contractId: crypto.randomUUID() }),
    }
  }

  function answersTo(action: 'confirm' | 'on_confirm') {
    const rows: { what: string; code: string; follows: number }[] = []
    eachAction((sent, to, town) => {
      if (sent.draft.type !== `beckn.${action}`) return
      const said = readContract(sent.draft.payload['message'])
      if (typeof said === 'string') return expect.fail(said)
      const bodies = badlySigned(said, action === 'confirm' ? 'buyer' : 'seller', sent.from.identity.sign)
      for (const [what, body] of Object.entries(bodies)) {
        const { payload } = withMessage(sent, contractMessage(body)).draft
        rows.push({ what, ...answerTo(sent, to, payload, town) })
      }
    })
    return rows
  }

  test.each(['confirm', 'on_confirm'] as const)(
    'of %s that is missing, forged or over other terms binds nobody',
    action => {
      const changed = 'BIZ_QUOTE_EXPIRED_OR_CHANGED'
      expect(answersTo(action).map(({ what, code, follows }) => [what, code, follows])).toEqual([
        ['is not there', 'AUT_SIGNATURE_MISSING', 0],
        ['is over something else', 'AUT_SIGNATURE_INVALID', 0],
        ['is not that side’s', 'AUT_SIGNATURE_INVALID', 0],
        ['is over the terms, and other terms are said', changed, 0],
        ['is over the terms, and another price is said', changed, 0],
        ['is over the terms of another contract', changed, 0],
      ])
    },
  )
})

test('every row of Beckn says what the road refuses in Beckn’s words', () => {
  const town = createTown(['peer'])
  const [party] = town.parties as [Party]
  const [, row] = becknRow(party.market, 'select', () => expect.fail('not handled'), { carriers: [], sealed: true })
  expect(row.codes).toMatchObject({
    ENV_ID_REUSED: 'CTX_MESSAGE_ID_DUPLICATE',
    ENV_EXPIRED: 'CTX_TTL_EXPIRED',
    ENV_SIGNATURE: 'AUT_SIGNATURE_INVALID',
    ENV_NETWORK: 'NET_NETWORK_MISMATCH',
  })
})
