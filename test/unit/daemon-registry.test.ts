import { expect, test } from 'vitest'
import { z } from 'zod'
import type { AnyFact } from '../../src/daemon/commit.ts'
import { defineDomain } from '../../src/daemon/domain.ts'
import { carriedOf, createRegistry } from '../../src/daemon/registry.ts'
import type { FactOf, JsonObject } from '../../src/kernel/outcome.ts'
import { openPeer } from '../support/open-domain.ts'

interface Said {
  readonly kind: `${string}.said`
  readonly word: string
}

/** A domain that keeps words. */
function wordsDomain<Name extends string>(name: Name, advert: JsonObject = {}) {
  return defineDomain({
    name,
    options: z.object({}),
    commands: {},
    store() {
      const words: string[] = []
      return { read: words, apply: ({ word }: Said & FactOf<Name>) => void words.push(word) }
    },
    open: () => ({ run: {}, advert: () => advert, gives: undefined }),
  })
}

/** The same, which tells of those that are no secrets. */
const tellingDomain = defineDomain({
  ...wordsDomain('animals'),
  open: () => ({
    run: {},
    tells: {
      'animals.said': ({ word }: Said) => (word === 'secret' ? undefined : { event: 'word.said', data: { word } }),
    },
    gives: undefined,
  }),
})

const said = (domain: string, word: string): Said => ({ kind: `${domain}.said`, word })

test('a fact goes to the domain its kind begins with, whoever decided it', () => {
  using peer = openPeer()
  const [animals, plants] = [peer.addNow(wordsDomain('animals'), {}), peer.addNow(wordsDomain('plants'), {})]
  peer.registry.apply([said('animals', 'cat'), said('plants', 'oak'), said('animals', 'dog')])
  expect([animals.read, plants.read]).toEqual([['cat', 'dog'], ['oak']])
})

test.each([['stones.said'], ['animal.said'], ['animals']])(
  'a fact of kind %s, which no domain keeps, is refused',
  kind => {
    using peer = openPeer()
    const animals = peer.addNow(wordsDomain('animals'), {})
    const fact: AnyFact & { word: string } = { kind, word: 'flint' }
    expect(() => peer.registry.apply([fact])).toThrow(kind)
    expect(animals.read).toEqual([])
  },
)

test('of a name there is one domain', () => {
  using peer = openPeer()
  peer.addNow(wordsDomain('animals'), {})
  expect(() => peer.addNow(wordsDomain('animals'), {})).toThrow(expect.objectContaining({ code: 'NODE_DOMAIN_TWICE' }))
  expect(peer.registry.all().map(({ name }) => name)).toEqual(['animals'])
})

test('what is told of a fact bears the name of its domain; of some there is nothing to tell', () => {
  using peer = openPeer()
  peer.addNow(tellingDomain, {})
  expect(peer.registry.told(said('animals', 'cat'))).toEqual({
    domain: 'animals',
    event: 'word.said',
    data: { word: 'cat' },
  })
  expect(peer.registry.told(said('animals', 'secret'))).toBeUndefined()
  expect(peer.registry.told(said('plants', 'oak'))).toBeUndefined()
})

test('the advert is made of what all domains say, lists of one name joined; another name twice is a mistake', () => {
  using peer = openPeer()
  peer.addNow(wordsDomain('animals', { offers: ['cats'], legs: 4 }), {})
  peer.addNow(wordsDomain('plants', { offers: ['oaks'], leaves: 9 }), {})
  expect(peer.registry.advert()).toEqual({ offers: ['cats', 'oaks'], legs: 4, leaves: 9 })
  peer.addNow(wordsDomain('tables', { legs: 3 }), {})
  expect(() => peer.registry.advert()).toThrow('"legs"; tables came second')
})

test('a domain that says only what it must is carried with nothing else', () => {
  const domain = wordsDomain('silence')
  const kept = { read: [], apply: () => undefined }
  const carried = carriedOf(domain, { run: {}, gives: undefined }, kept)
  expect(carried).toMatchObject({ name: 'silence', topics: {}, streams: {}, rounds: [], parts: [] })
  expect([carried.messages.size, carried.advert(), carried.recover, carried.tell(said('silence', ''))]).toEqual([
    ...[0, {}, undefined, undefined],
  ])
  const registry = createRegistry()
  registry.add(carried)
  expect(registry.all()).toEqual([carried])
})
