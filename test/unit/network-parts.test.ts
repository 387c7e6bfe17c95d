import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createDeadline, listenError } from '../../src/network/network-error.ts'
import { openPeersFile } from '../../src/network/peers-file.ts'

test('the peers file keeps the newest peers, and leaves no half-written file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wattmesh-'))
  const file = join(folder, 'deeper', 'peers.json')
  const peers = openPeersFile(file, silentLog)
  expect(await peers.read()).toEqual([])
  for (let i = 0; i < 100; i++) peers.note({ peer: `peer ${i}` as PeerId, addresses: ['/ip4/192.0.2.1'], seenAt: i })
  await peers.save()
  const kept = await openPeersFile(file, silentLog).read()
  expect(kept.map(known => known.seenAt)).toEqual(Array.from({ length: 64 }, (_, i) => 99 - i))
  expect(await readdir(join(folder, 'deeper'))).toEqual(['peers.json'])
  expect(await readFile(file, 'utf8')).toMatch(/\n$/)
  await rm(folder, { recursive: true })
})

test('a port in use is found in the words of libp2p, other errors pass as they are', () => {
  const libp2p = new Error(
    'Some addresses failed:\n  /ip4/0.0.0.0/tcp/4747: Error: listen EADDRINUSE: address already in use 0.0.0.0:4747\n    at …',
  )
  expect(listenError(libp2p, [])).toMatchObject({ code: 'NET_PORT_IN_USE', details: { port: 4747 } })
  const bug = new TypeError('a bug')
  expect(listenError(bug, [])).toBe(bug)
})

test('a deadline tells its own time-out from the abort of the caller', async () => {
  const late = createDeadline(1)
  await new Promise(resolve => late.signal.addEventListener('abort', resolve))
  expect(late.explain(new Error('aborted'), 'NET_STREAM_RESET', {}).code).toBe('NET_TIMEOUT')
  const caller = new AbortController()
  const early = createDeadline(60_000, caller.signal)
  expect(early.explain(new Error('reset'), 'NET_STREAM_RESET', {}).code).toBe('NET_STREAM_RESET')
  caller.abort()
  expect(early.explain(new Error('aborted'), 'NET_STREAM_RESET', {}).code).toBe('NET_ABORTED')
})
