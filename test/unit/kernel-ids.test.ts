import { expect, test } from 'vitest'
import { isPeerId, peerText } from '../../src/kernel/ids.ts'
import { identityNamed } from '../support/senders.ts'

const { peerId } = identityNamed('somebody')

test('the id of every key has the form of a peer id', () => {
  for (const name of ['a', 'b', 'c']) expect(isPeerId(identityNamed(name).peerId)).toBe(true)
})

test.each([
  '',
  peerId.slice(0, -1),
  `${peerId}a`,
  ` ${peerId}`,
  `${peerId}\n`,
  peerId.replace('12D3KooW', 'QmD3KooW'),
  // Letters that base58 leaves out, for they look like others.
  ...['0', 'O', 'I', 'l'].map(letter => peerId.slice(0, -1) + letter),
])('"%s" has not', text => expect(isPeerId(text)).toBe(false))

test('the end of an id tells a peer from its neighbours', () => {
  expect(peerText(peerId)).toMatch(/^….{8}$/)
  expect(peerId.endsWith(peerText(peerId).slice(1))).toBe(true)
})
