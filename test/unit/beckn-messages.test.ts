import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { validateMessage } from '../../src/domains/trading/beckn/rules/validate.ts'
import { CLOCK_SKEW_MS } from '../../src/protocol/limits.ts'
import { ALL_ACTIONS, becknMessage, type Fields, type Message, TIMESTAMP } from '../support/beckn-messages.ts'
import { mutants } from '../support/mutants.ts'

/** The verdict on a message of `select` after a change. */
function judged(change: (message: Message) => void, action = 'select' as Parameters<typeof becknMessage>[0]) {
  const message = becknMessage(action)
  change(message)
  return validateMessage(message)
}

const contractOf = ({ message }: Message): Fields => message['contract'] as Fields

describe('a message of each action', () => {
  test.each(ALL_ACTIONS)('%s with all its fields is accepted', action => {
    expect(validateMessage(becknMessage(action))).toEqual({ ok: true, action, notes: [] })
  })

  test('the other names of the catalog actions are understood', () => {
    const publish = judged(({ context }) => Object.assign(context, { action: 'catalog_publish' }), 'catalog/publish')
    expect(publish).toMatchObject({ ok: true, action: 'catalog/publish' })
  })
})

describe('the context', () => {
  const cases: [string, (message: Message) => unknown, object][] = [
    [
      'no context',
      message => Reflect.deleteProperty(message, 'context'),
      { code: 'CTX_MISSING_FIELD', path: '$.context' },
    ],
    [
      'no message',
      message => Reflect.deleteProperty(message, 'message'),
      { code: 'CTX_MISSING_FIELD', path: '$.message' },
    ],
    ...['action', 'version', 'transactionId', 'messageId', 'timestamp', 'bapId', 'bppId'].map(
      (field): [string, (message: Message) => unknown, object] => [
        `no ${field}`,
        ({ context }) => Reflect.deleteProperty(context, field),
        { code: 'CTX_MISSING_FIELD', path: `$.context.${field}` },
      ],
    ),
    [
      'another version',
      ({ context }) => Object.assign(context, { version: '1.1.0' }),
      { code: 'CTX_VERSION_UNSUPPORTED' },
    ],
    [
      'a message of Beckn 1',
      message => Object.assign(message, { context: { core_version: '1.0.0', action: 'search' } }),
      { code: 'CTX_VERSION_UNSUPPORTED', message: 'a message of Beckn 1; expected 2.0.0' },
    ],
    [
      'an unknown action',
      ({ context }) => Object.assign(context, { action: 'toString' }),
      { code: 'CTX_ACTION_MISMATCH' },
    ],
    [
      'the search of Beckn 1',
      ({ context }) => Object.assign(context, { action: 'search' }),
      { code: 'CTX_ACTION_MISMATCH', message: expect.stringContaining('called discover') },
    ],
    [
      'the message of another action',
      ({ context }) => Object.assign(context, { action: 'discover' }),
      { code: 'CTX_ACTION_MISMATCH', path: '$.message.contract' },
    ],
    [
      'no body',
      message => Object.assign(message, { message: {} }),
      { code: 'SCH_MISSING_FIELD', path: '$.message.contract' },
    ],
    [
      'a messageId that is no UUID',
      ({ context }) => Object.assign(context, { messageId: '7' }),
      { code: 'SCH_INVALID' },
    ],
    [
      'a ttl in seconds',
      ({ context }) => Object.assign(context, { ttl: 30 }),
      { code: 'SCH_INVALID', path: '$.context.ttl' },
    ],
  ]
  test.each(cases)('with %s is refused', (_, change, refusal) => {
    expect(judged(change)).toMatchObject({ ok: false, ...refusal })
  })

  test('who speaks to everybody may be named as sender alone', () => {
    const without = (field: string) => (message: Message) => {
      delete message.context['bppId']
      delete message.context[field]
    }
    expect(judged(without('bapId'), 'catalog/publish')).toMatchObject({ ok: true })
    expect(judged(without('senderId'), 'catalog/publish')).toMatchObject({ code: 'CTX_MISSING_FIELD' })
  })

  test('is late when its time has passed by more than clocks may disagree, and only for whoever has a clock', () => {
    const sentMs = Date.parse(TIMESTAMP)
    const at = (nowMs: number) => validateMessage(becknMessage('init'), { nowMs })
    const lastMs = sentMs + 30_000 + CLOCK_SKEW_MS
    expect([validateMessage(becknMessage('init')), at(lastMs), at(sentMs - CLOCK_SKEW_MS)].every(({ ok }) => ok)).toBe(
      true,
    )
    expect(at(lastMs + 1)).toMatchObject({ code: 'CTX_TTL_EXPIRED', path: '$.context.ttl' })
    expect(at(sentMs - CLOCK_SKEW_MS - 1)).toMatchObject({ code: 'CTX_TTL_EXPIRED', path: '$.context.timestamp' })
  })

  test.each([
    ['PT0.5S', 500],
    ['PT1H2M3S', 3_723_000],
    ['P1D', 86_400_000],
    ['P2W', 14 * 86_400_000],
  ])('a ttl of %s lasts %d ms', (ttl, ttlMs) => {
    const message = becknMessage('init')
    message.context['ttl'] = ttl
    const lastMs = Date.parse(TIMESTAMP) + ttlMs + CLOCK_SKEW_MS
    expect([lastMs, lastMs + 1].map(nowMs => validateMessage(message, { nowMs }).ok)).toEqual([true, false])
  })

  test('of another network is refused, and the network comes before the shape', () => {
    const stray = becknMessage('init')
    stray.context['messageId'] = 'none'
    expect(validateMessage(stray, { networkId: 'village' })).toMatchObject({ code: 'NET_NETWORK_MISMATCH' })
    expect(validateMessage(becknMessage('init'), { networkId: 'street' })).toMatchObject({ ok: true })
  })
})

describe('a breach is told', () => {
  test('as what was expected, what was found, and where', () => {
    const verdict = judged(message => {
      const [commitment] = contractOf(message)['commitments'] as Fields[]
      Object.assign(commitment ?? {}, { status: { descriptor: { code: 'OPEN' } } })
    })
    expect(verdict).toEqual({
      ok: false,
      code: 'SCH_INVALID',
      message: 'expected one of DRAFT, ACTIVE, CLOSED; found "OPEN"',
      path: '$.message.contract.commitments[0].status.descriptor.code',
    })
  })

  test('by its layer: schema before policy', () => {
    const verdict = judged(message => {
      const contract = contractOf(message)
      contract['participants'] = [...(contract['participants'] as Fields[]), { id: 5 }]
      contract['contractAttributes'] = { ...(contract['contractAttributes'] as Fields), roles: [] }
    })
    expect(verdict).toMatchObject({ code: 'SCH_INVALID', path: '$.message.contract.participants[3].id' })
  })

  test('without the tricks of whoever wrote the message', () => {
    const verdict = judged(message => Object.assign(contractOf(message), { "\u001b[2J'x": 'y'.repeat(10_000) }))
    expect(verdict).toMatchObject({ ok: false, code: 'SCH_INVALID' })
    if (verdict.ok) return
    expect(verdict.path).toBe(String.raw`$.message.contract['\u001b[2J\'x']`)
    expect(verdict.message.length).toBeLessThan(120)
  })

  test('of a field that the standard does not know', () => {
    const verdict = judged(message => Object.assign(contractOf(message), { price: 5 }))
    expect(verdict).toMatchObject({ code: 'SCH_INVALID', path: '$.message.contract.price' })
  })
})

describe('packs', () => {
  test('one that is not known is noted, not refused', () => {
    const verdict = judged(message => {
      const [commitment] = contractOf(message)['commitments'] as Fields[]
      Object.assign(commitment ?? {}, {
        commitmentAttributes: {
          '@context': 'https://schema.nfh.global/WindTrade/v9.0/context.jsonld',
          '@type': 'WindTrade',
        },
      })
    })
    expect(verdict).toEqual({
      ok: true,
      action: 'select',
      notes: ['WindTrade/9.0 is no pack known here: not checked'],
    })
  })

  test('a type that is not its context’s is refused', () => {
    const verdict = judged(message => {
      const terms = contractOf(message)['contractAttributes'] as Fields
      terms['@type'] = 'EnergyCustomer'
    })
    expect(verdict).toMatchObject({ code: 'SCH_INVALID', path: "$.message.contract.contractAttributes['@type']" })
  })

  test('an interval that stands twice is refused', () => {
    const verdict = judged(message => {
      const [commitment] = contractOf(message)['commitments'] as Fields[]
      const series = commitment?.['commitmentAttributes'] as { intervals: [Fields, Fields] }
      series.intervals[1]['id'] = series.intervals[0]['id']
    })
    expect(verdict).toMatchObject({ code: 'SCH_INVALID', path: expect.stringContaining('.intervals[1].id') })
  })
})

describe('whatever a stranger sends', () => {
  test('gets a verdict: any JSON, and any value in the place of any other', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
        expect(validateMessage(value)).toHaveProperty('ok')
        expect(validateMessage({ context: becknMessage('confirm').context, message: value })).toHaveProperty('ok')
        expect(validateMessage({ ...becknMessage('confirm'), error: value })).toHaveProperty('ok')
      }),
    )
  })

  test.each(['catalog/publish', 'track'] as const)('is refused in words made for people: %s', action => {
    // Some thousand ways to break one message: every eleventh is told the reader.
    for (const [i, { what, message }] of [...mutants(becknMessage(action))].entries()) {
      if (i % 11 !== 0) continue
      const verdict = validateMessage(message)
      if (verdict.ok) continue
      expect(verdict.message, what).not.toMatch(/invalid|undefined|\[object|NaN/i)
      expect(verdict.path, what).toMatch(/^\$/)
    }
  })

  test('is refused when it is nested without end, or too large', () => {
    const bomb = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
    const message = { ...becknMessage('select'), bomb }
    expect(validateMessage(message)).toMatchObject({ code: 'SCH_INVALID', message: expect.stringContaining('deep') })
    const crowd = { ...becknMessage('select'), crowd: Array.from({ length: 20_000 }, () => 0) }
    expect(validateMessage(crowd)).toMatchObject({ code: 'SCH_INVALID', message: expect.stringContaining('values') })
    const circle: Fields = {}
    circle['self'] = circle
    expect(validateMessage(circle)).toMatchObject({ code: 'SCH_INVALID' })
  })

  test.each([null, undefined, 5, 'x', [], true])('%s is no message', value => {
    expect(validateMessage(value)).toMatchObject({ ok: false, code: 'SCH_INVALID', path: '$' })
  })
})
