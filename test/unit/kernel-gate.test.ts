import { describe, expect, test } from 'vitest'
import { createGate } from '../../src/kernel/gate.ts'

/** Everything that is ready to run has run. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a gate', () => {
  test('runs as many as it is wide, lets some wait and turns the rest away', async () => {
    const gate = createGate({ width: 2, queue: 1 })
    const doors = Array.from({ length: 4 }, () => Promise.withResolvers<string>())
    const results = doors.map(door => gate.pass(() => door.promise))
    expect(await results[3]).toBeUndefined()
    expect([gate.inside(), gate.waiting(), gate.isFull()]).toEqual([2, 1, true])
    for (const [i, door] of doors.entries()) door.resolve(`work ${i}`)
    expect(await Promise.all(results.slice(0, 3))).toEqual(['work 0', 'work 1', 'work 2'])
    expect([gate.inside(), gate.waiting(), gate.isFull()]).toEqual([0, 0, false])
  })

  test('gets its place back from work that fails', async () => {
    const gate = createGate({ width: 1, queue: 0 })
    await expect(gate.pass(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await gate.pass(async () => 'yes')).toBe('yes')
  })

  test('lets in by order of coming, and hands a place on before a newcomer can take it', async () => {
    const gate = createGate({ width: 1 })
    const order: string[] = []
    const come = (name: string) => gate.enter().then(() => order.push(name))
    await come('first')
    void come('second')
    void come('third')
    gate.leave()
    void come('newcomer')
    for (let n = 0; n < 3; n++) {
      await settled()
      gate.leave()
    }
    expect(order).toEqual(['first', 'second', 'third', 'newcomer'])
    expect(gate.inside()).toBe(0)
  })

  test('who waits may give up, with the reason of its signal, and nobody behind it loses a turn', async () => {
    const gate = createGate({ width: 1 })
    await gate.enter()
    const giving = new AbortController()
    const impatient = gate.enter(giving.signal)
    const patient = gate.enter()
    giving.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    expect(gate.waiting()).toBe(1)
    gate.leave()
    expect(await patient).toBe(true)
    expect(gate.inside()).toBe(1)
  })

  test('a signal that aborts once the place is handed over changes nothing: the place must be left', async () => {
    const gate = createGate({ width: 1 })
    await gate.enter()
    const giving = new AbortController()
    const next = gate.enter(giving.signal)
    gate.leave()
    giving.abort(new Error('too late'))
    expect(await next).toBe(true)
    expect(gate.inside()).toBe(1)
    gate.leave()
    await expect(gate.enter(giving.signal)).rejects.toThrow('too late')
    expect(gate.inside()).toBe(0)
  })

  test('that widens lets in those who wait before who comes; one that narrows hands no place on', async () => {
    let width = 1
    const gate = createGate({ width: () => width })
    const order: string[] = []
    const come = (name: string) => gate.enter().then(() => order.push(name))
    await come('a')
    void come('b')
    width = 2
    void come('c')
    await settled()
    expect([order, gate.waiting()]).toEqual([['a', 'b'], 1])
    width = 1
    gate.leave()
    await settled()
    expect([order, gate.inside()]).toEqual([['a', 'b'], 1])
    gate.leave()
    await settled()
    expect(order).toEqual(['a', 'b', 'c'])
  })
})
