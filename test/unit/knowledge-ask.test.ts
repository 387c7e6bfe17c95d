import { afterEach, describe, expect, it } from 'vitest'
import { createAnswering } from '../../src/domains/knowledge/answering.ts'
import { createAsk } from '../../src/domains/knowledge/asking/ask.ts'
import type { Access, KnowledgeFact } from '../../src/domains/knowledge/collection.ts'
import { QUERY, STATISTICS } from '../../src/domains/knowledge/messages.ts'
import { createShards } from '../../src/domains/knowledge/search/shards.ts'
import type { Clock } from '../../src/kernel/clock.ts'
import type { MessageId, PeerId, SubjectId } from '../../src/kernel/ids.ts'
import { type Answer, type Draft, outcome } from '../../src/kernel/outcome.ts'
import type { Envelope } from '../../src/protocol/envelope.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeEncode, openShelf } from '../support/knowledge-shelf.ts'

const [ANN, BEN, CEM] = ['12D3KooWAnn', '12D3KooWBen', '12D3KooWCem'] as [PeerId, PeerId, PeerId]
const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

type Respond = (draft: Draft, signal: AbortSignal) => Promise<Answer>

/** A peer with documents, and its answers to messages. */
function household() {
  const shelf = openShelf()
  open.push(() => shelf.close())
  const clock = fakeClock()
  const shards = createShards(shelf.store)
  const knowledge = createAnswering({ store: shelf.store, shards, now: clock.now })

  function answer(from: PeerId, draft: Draft): Answer {
    const type = knowledge.messages.get(draft.type)
    // As it comes from the wire.
    const payload: unknown = JSON.parse(JSON.stringify(draft.payload))
    const parsed = type?.payload.safeParse(payload)
    if (type === undefined || parsed?.success !== true) throw new Error(`refused by its schema: ${draft.type}`)
    const envelope: Envelope = {
      v: 1,
      type: draft.type,
      id: 'message' as MessageId,
      task_id: draft.subjectId,
      network: 'test',
      sender_id: from,
      created: clock.now(),
      expires: clock.now() + draft.ttlMs,
      payload: draft.payload,
      signature: '',
    }
    return type.handle(envelope, payload as Draft['payload']).answer
  }

  async function share(collection: string, access: Access): Promise<void> {
    const fact: KnowledgeFact = { kind: 'knowledge.access', collection, access }
    await shelf.commit(() => outcome([fact]))
  }
  return { ...shelf, shards, knowledge, answer, share }
}

function asker(peers: ReadonlyMap<PeerId, Respond>, own = household(), clock: Clock = fakeClock()) {
  return createAsk({
    shards: own.shards,
    encode: fakeEncode(),
    clock,
    newId: () => 'ask-1',
    sharers: () => [...peers.keys()],
    askPeer: (draft, signal) => (peers.get(draft.to as PeerId) as Respond)(draft, signal),
  })
}

const asksBen = (said: Pick<Draft, 'type' | 'payload'>): Draft => ({
  ...said,
  to: BEN,
  carrier: 'stream',
  ttlMs: 1,
  subjectId: 'x' as SubjectId,
})

const at =
  (peer: ReturnType<typeof household>, from: PeerId): Respond =>
  async draft =>
    JSON.parse(JSON.stringify(peer.answer(from, draft))) as Answer

const ask = (request: ReturnType<typeof asker>, question: string, more: object = {}) =>
  request({ question, top: 5, ...more }, new AbortController().signal)

describe('asking', () => {
  it('finds a passage that only a peer holds, names the peer, and does not learn where the file lies', async () => {
    const ben = household()
    await ben.put('manuals', 'pump.txt', 'The warranty of the heat pump is seven years.')
    await ben.share('manuals', { to: 'everybody' })
    const { passages, peers } = await ask(asker(new Map([[BEN, at(ben, ANN)]])), 'warranty of my heat pump')
    expect(passages[0]).toMatchObject({ peer: BEN, collection: 'manuals', name: 'pump.txt', path: undefined })
    expect(passages[0]?.text).toContain('seven years')
    expect(peers).toEqual([{ peer: BEN, state: 'answered', passages: 1, tookMs: 0 }])
  })

  it('ranks over peers as over one index', async () => {
    const texts = [
      'heat pump heat',
      'heat of a roof',
      'a pump in a long text about roofs and meters',
      'grid meter',
      'pump',
    ]
    const [all, ben, cem] = [household(), household(), household()]
    for (const [n, text] of texts.entries()) {
      await all.put('all', `${n}`, text)
      await (n % 2 === 0 ? ben : cem).put('part', `${n}`, text)
    }
    for (const peer of [ben, cem]) await peer.share('part', { to: 'everybody' })
    const whole = await ask(asker(new Map(), all), 'heat pump')
    const parted = await ask(
      asker(
        new Map([
          [BEN, at(ben, ANN)],
          [CEM, at(cem, ANN)],
        ]),
      ),
      'heat pump',
    )
    const scores = (answered: typeof whole) => answered.passages.map(({ text, score }) => [text, score.toFixed(6)])
    expect(scores(parted)).toEqual(scores(whole))
  })

  it('asks nobody when it is to stay here', async () => {
    const own = household()
    await own.put('mine', 'a', 'heat pump')
    const never: Respond = () => Promise.reject(new Error('was asked'))
    const { passages, peers } = await ask(asker(new Map([[BEN, never]]), own), 'pump', { local: true })
    expect(passages).toHaveLength(1)
    expect(peers).toEqual([])
  })

  it('refuses a question without a word to look for', async () => {
    await expect(ask(asker(new Map()), ' ?! ')).rejects.toMatchObject({ code: 'KNOWLEDGE_EMPTY_QUESTION' })
  })
})

describe('an access list', () => {
  it('is kept by the owner: to who is not on it a collection is as if it were not there', async () => {
    const [full, none] = [household(), household()]
    await full.put('secrets', 'a', 'the heat pump is in the cellar')
    await full.share('secrets', { to: 'peers', peers: [CEM] })
    const asked = [
      { type: STATISTICS, payload: { terms: ['heat', 'pump'] } },
      { type: STATISTICS, payload: { terms: ['heat'], collection: 'secrets' } },
      {
        type: QUERY,
        payload: { terms: ['heat'], wanted: 5, statistics: { sections: 1, terms: 5, frequencies: [1] } },
      },
    ].map(asksBen)
    for (const draft of asked) expect(full.answer(ANN, draft)).toEqual(none.answer(ANN, draft))
    expect(JSON.stringify(full.answer(CEM, asked[2] as Draft))).toContain('cellar')
  })

  it('closes at once, and what is advertised says only whether anything is shared', async () => {
    const ben = household()
    await ben.put('manuals', 'a', 'heat pump')
    expect(ben.knowledge.kinds()).toEqual([])
    await ben.share('manuals', { to: 'peers', peers: [ANN] })
    expect(ben.knowledge.kinds()).toEqual(['knowledge@1'])
    const request = asker(new Map([[BEN, at(ben, ANN)]]))
    expect((await ask(request, 'pump')).passages).toHaveLength(1)
    await ben.share('manuals', { to: 'nobody' })
    const closed = await ask(request, 'pump')
    expect(closed.passages).toEqual([])
    expect(closed.peers).toMatchObject([{ peer: BEN, state: 'nothing' }])
  })
})

describe('a peer that', () => {
  const sections = { sections: 3, terms: 30, frequencies: [1, 1] }
  const find = { collection: 'c', name: 'n', title: '', start: 0, text: 'heat pump', counts: [1, 1], length: 2 }
  const says =
    (found: unknown): Respond =>
    async ({ type }) =>
      ({ status: 'ACK', details: type === STATISTICS ? sections : found }) as Answer

  async function beside(hostile: Respond, clock?: Clock) {
    const ben = household()
    await ben.put('manuals', 'a', 'an honest heat pump')
    await ben.share('manuals', { to: 'everybody' })
    const request = asker(
      new Map([
        [CEM, hostile],
        [BEN, at(ben, ANN)],
      ]),
      household(),
      clock,
    )
    const answered = await ask(request, 'heat pump')
    expect(answered.passages.map(({ text }) => text)).toEqual(['an honest heat pump'])
    return answered.peers.find(({ peer }) => peer === CEM)
  }

  it.each([
    ['answers in another shape', { finds: 'all of them' }],
    ['answers with nothing in it', {}],
    ['sends a whole document', { finds: [{ ...find, text: 'heat '.repeat(1_000) }] }],
    ['sends more than was asked for', { finds: Array.from({ length: 101 }, () => find) }],
    ['claims a closeness that no vector has', { finds: [{ ...find, closeness: 40 }] }],
    ['counts more words than there are', { finds: [{ ...find, counts: [200, 200] }] }],
    [
      'claims to be nearer than its passage is',
      {
        finds: [{ ...find, text: 'roof tiles', counts: [0, 0], closeness: 0.99 }],
        extremes: { min: 0, max: 0.99 },
      },
    ],
    ['does not count the words of its own passage', { finds: [{ ...find, counts: [0, 1] }] }],
  ])('%s is left out, with the reason', async (_, found) => {
    expect(await beside(says(found))).toMatchObject({ state: 'unusable', reason: expect.any(String) })
  })

  it.each([
    ['claims more words than it has sections for', { sections: 1, terms: 1e12, frequencies: [1, 1] }],
    ['claims a word in more sections than it has', { sections: 1, terms: 9, frequencies: [2, 1] }],
    ['claims words and no section', { sections: 0, terms: 1e12, frequencies: [1e12, 0] }],
  ])('%s is left out, with the reason, before it is asked anything else', async (_, details) => {
    const asked: string[] = []
    const liar: Respond = async ({ type }) => {
      asked.push(type)
      return { status: 'ACK', details }
    }
    expect(await beside(liar)).toMatchObject({ state: 'unusable', reason: expect.stringContaining('claims') })
    expect(asked).toEqual([STATISTICS])
  })

  it('says that it has a hundred thousand million sections counts as one with a hundred thousand', async () => {
    const ben = household()
    for (let n = 0; n < 20; n++) await ben.put('manuals', `${n}`, `heat number${n}`)
    await ben.put('manuals', 'rare', 'quicksilver')
    await ben.share('manuals', { to: 'everybody' })
    let told: unknown
    const watched: Respond = async (draft, signal) => {
      if (draft.type === QUERY) told = draft.payload['statistics']
      return await at(ben, ANN)(draft, signal)
    }
    const said = { sections: 1e11, terms: 1e12, frequencies: [0, 1e11] }
    const liar: Respond = async ({ type }) => ({ status: 'ACK', details: type === STATISTICS ? said : { finds: [] } })
    const request = asker(
      new Map([
        [CEM, liar],
        [BEN, watched],
      ]),
    )
    await ask(request, 'heat quicksilver')
    expect(told).toEqual({ sections: 100_021, terms: 1_000_041, frequencies: [20, 100_001] })
  })

  it('claims a nearness that is not shown does not press the others together', async () => {
    const alone = household()
    await alone.put('manuals', 'a', 'heat pump')
    await alone.put('manuals', 'b', 'heat roof')
    const far = { ...find, text: 'roof tiles', counts: [0, 0], length: 0, closeness: 1 }
    const liar = says({ finds: [far], extremes: { min: 0, max: 1 } })
    const answered = await ask(asker(new Map([[CEM, liar]]), alone), 'heat pump', { top: 1 })
    expect(answered.passages).toMatchObject([{ text: 'heat pump' }])
    expect(answered.peers).toMatchObject([{ peer: CEM, state: 'unusable' }])
  })

  it('only confirms that it has the question is called out of reach, for its answer was lost on the way', async () => {
    const confirming: Respond = async ({ type }) =>
      type === STATISTICS ? { status: 'ACK', details: sections } : { status: 'ACK' }
    expect(await beside(confirming)).toMatchObject({
      state: 'unreachable',
      reason: expect.stringContaining('ask again'),
    })
  })

  it('refuses is left out, with its reason', async () => {
    const refusing: Respond = async () => ({ status: 'NACK', error: { code: 'KNOWLEDGE_BUSY', message: 'later' } })
    expect(await beside(refusing)).toMatchObject({ state: 'refused', reason: 'later' })
  })

  it('is gone is left out', async () => {
    expect(await beside(() => Promise.reject(new Error('no route')))).toMatchObject({
      state: 'unreachable',
      reason: 'no route',
    })
  })

  it('stalls holds nobody up for more than three seconds', async () => {
    const clock = fakeClock()
    const asked = Promise.withResolvers<void>()
    const stalling: Respond = () => {
      asked.resolve()
      return new Promise(() => undefined)
    }
    const waiting = beside(stalling, clock)
    await asked.promise
    await clock.advance(3_000)
    expect(await waiting).toMatchObject({ state: 'late', tookMs: 3_000 })
  })

  it('asks without end is told to ask later', () => {
    const ben = household()
    const draft = asksBen({ type: STATISTICS, payload: { terms: ['a'] } })
    const answers = Array.from({ length: 50 }, () => ben.answer(CEM, draft).status)
    expect(answers.filter(status => status === 'NACK')).toHaveLength(10)
    expect(ben.answer(ANN, draft).status).toBe('ACK')
  })
})
