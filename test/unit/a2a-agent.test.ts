import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeAnswer, encodeRequest, MAX_ANSWER_BYTES, MAX_REQUEST_BYTES } from '../../src/domains/agents/frame.ts'
import { createAgent } from '../../src/domains/agents/household/agent.ts'
import type { HouseholdView } from '../../src/domains/agents/household/executor.ts'
import { MAX_TASKS, MAX_TASKS_EACH, TASK_AGE_MS } from '../../src/domains/agents/household/task-store.ts'
import type { PeerId } from '../../src/kernel/ids.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { OPEN } from '../support/soc-memory.ts'

const self = '12D3KooWhousehold' as PeerId
const utility = '12D3KooWutility' as PeerId

interface RpcAnswer {
  readonly id: unknown
  readonly error?: { readonly code: number; readonly message: string }
  readonly result?: {
    readonly task?: { readonly id: string; readonly status: { readonly state: string; readonly message?: unknown } }
    readonly tasks?: readonly { readonly id: string }[]
  }
}

function agent(household: Partial<HouseholdView> = {}) {
  const clock = fakeClock()
  const { sharesSoc, ...view } = { ...OPEN, ...household }
  const now = () => clock.now()
  const card = { self, name: 'home', version: '1.2.3', sharesSoc }
  const made = createAgent({ ...card, household: view, now, newId: randomUUID, log: silentLog })
  const version = { 'a2a-version': '1.0' }

  async function ask(method: 'GET' | 'POST', path: string, body = '', headers: Record<string, string> = version) {
    const { bytes } = await made.answer(encodeRequest({ method, path, headers, body }), utility)
    return decodeAnswer(bytes)
  }
  async function text(body: string, headers: Record<string, string> = version, from = utility): Promise<RpcAnswer> {
    const { bytes } = await made.answer(encodeRequest({ method: 'POST', path: '/a2a/1', headers, body }), from)
    const answer = decodeAnswer(bytes)
    expect(answer.status).toBe(200)
    return JSON.parse(answer.body) as RpcAnswer
  }
  const rpc = (method: string, params: unknown, from = utility): Promise<RpcAnswer> =>
    text(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }), version, from)
  const send = (more: object = {}, from = utility): Promise<RpcAnswer> =>
    rpc('SendMessage', { message: { ...asking('state-of-charge'), ...more } }, from)
  const raw = async (bytes: Uint8Array) => decodeAnswer((await made.answer(bytes, utility)).bytes)
  return { clock, ask, text, rpc, send, raw }
}

function asking(skill: string): object {
  return { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ data: { skill } }] }
}

test('the card of a household that shares offers the state of charge; of one that does not, nothing', async () => {
  const card = JSON.parse((await agent().ask('GET', '/.well-known/agent-card.json')).body) as Record<string, unknown>
  expect(card).toMatchObject({
    name: 'home',
    version: '1.2.3',
    skills: [{ id: 'state-of-charge' }],
    supportedInterfaces: [{ url: `libp2p://${self}/a2a/1`, protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  })
  const closed = await agent({ sharesSoc: false }).ask('GET', '/.well-known/agent-card.json')
  expect(closed.body).not.toContain('state-of-charge')
})

test('a task ends completed, rejected or failed by what the household is asked, by whom', async () => {
  const state = async (household: Partial<HouseholdView>) => (await agent(household).send()).result?.task?.status.state
  expect(await state({})).toBe('TASK_STATE_COMPLETED')
  expect(await state({ stateOfCharge: () => undefined })).toBe('TASK_STATE_FAILED')
  expect(await state({ isUtility: peer => peer !== utility })).toBe('TASK_STATE_REJECTED')
  expect(await state({ inZone: peer => peer !== utility })).toBe('TASK_STATE_REJECTED')
  expect(await state({ sharesSoc: false })).toBe('TASK_STATE_REJECTED')
})

test('a battery that cannot be read fails the task, and its reason stays in the house', async () => {
  const { send } = agent({
    stateOfCharge() {
      throw new Error('disk I/O error at /home/anna')
    },
  })
  const { result } = await send()
  expect(result?.task?.status.state).toBe('TASK_STATE_FAILED')
  expect(JSON.stringify(result)).not.toContain('anna')
})

test('a frame that is none is answered with its fault, whatever letters it has', async () => {
  const { raw } = agent()
  for (let i = 0; i < 4; i++) {
    expect((await raw(Buffer.from(`{"${'a'.repeat(i)}${'🔋'.repeat(400)}":1}`))).status).toBe(400)
  }
})

test('no consent is a reason for programs and for people; a stranger is not told whether there is consent', async () => {
  const refused = JSON.stringify((await agent({ sharesSoc: false }).send()).result)
  expect(refused).toContain('"rejection":"NO_CONSENT"')
  expect(refused).toContain('no consent')
  const stranger = JSON.stringify((await agent({ sharesSoc: false, isUtility: () => false }).send()).result)
  expect(stranger).toContain('"rejection":"NOT_A_UTILITY"')
  expect(stranger).not.toMatch(/consent/i)
})

test('what this agent cannot do is refused with the error of A2A that says so', async () => {
  const { rpc, send } = agent()
  const code = async (answer: Promise<RpcAnswer>) => (await answer).error?.code
  expect(await code(rpc('SendMessage', { message: asking('door-lock') }))).toBe(-32_004)
  expect(await code(send({ parts: [{ text: 'how full is your battery?' }] }))).toBe(-32_602)
  expect(await code(send({ parts: [] }))).toBe(-32_602)
  expect(await code(send({ messageId: '' }))).toBe(-32_602)
  expect(await code(send({ referenceTaskIds: ['a'] }))).toBe(-32_602)
  expect(await code(send({ taskId: randomUUID() }))).toBe(-32_001)
  expect(await code(rpc('SendMessage', { tenant: 'x', message: asking('state-of-charge') }))).toBe(-32_602)
  expect(await code(rpc('SendMessage', { tenant: ['x'], message: asking('state-of-charge') }))).toBe(-32_602)
  expect(await code(rpc('SendMessage', {}))).toBe(-32_602)
  expect(await code(rpc('SendMessage', [1]))).toBe(-32_602)
  expect(await code(rpc('SendStreamingMessage', { message: asking('state-of-charge') }))).toBe(-32_004)
  expect(await code(rpc('SubscribeToTask', { id: 'a' }))).toBe(-32_004)
  expect(await code(rpc('GetTask', { id: 'a' }))).toBe(-32_001)
  expect(await code(rpc('CreateTaskPushNotificationConfig', { taskId: 'a', url: 'http://x' }))).toBe(-32_003)
  expect(await code(rpc('Reboot', {}))).toBe(-32_601)
})

test('a body that is no JSON-RPC, and another version of A2A, are refused before the SDK sees a task', async () => {
  const { text } = agent()
  expect((await text('{"jsonrpc":')).error?.code).toBe(-32_700)
  for (const body of ['null', '[]', '"a"', '3']) expect((await text(body)).error?.code).toBe(-32_602)
  expect((await text('{"method":"GetTask"}')).error?.code).toBe(-32_602)
  const call = JSON.stringify({ jsonrpc: '2.0', id: 'b', method: 'SendMessage', params: { message: asking('x') } })
  expect(await text(call, { 'a2a-version': '0.3' })).toMatchObject({ id: 'b', error: { code: -32_009 } })
  expect(await text(call, {})).toMatchObject({ id: 'b', error: { code: -32_009 } })
})

test('other paths and methods get the answer HTTP has for them', async () => {
  const { ask } = agent()
  expect((await ask('GET', '/')).status).toBe(404)
  expect(await ask('GET', '/a2a/1')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  expect((await ask('POST', '/.well-known/agent-card.json')).status).toBe(405)
})

test('tasks are forgotten after an hour, and an asker’s oldest beyond twenty', async () => {
  const { clock, rpc, send } = agent()
  const first = (await send()).result?.task?.id
  const knows = async (id: string | undefined) => (await rpc('GetTask', { id })).error === undefined
  expect(await knows(first)).toBe(true)
  await clock.advance(TASK_AGE_MS - 1)
  const second = (await send()).result?.task?.id
  expect(await knows(first)).toBe(true)
  await clock.advance(1)
  expect(await knows(first)).toBe(false)
  expect(await knows(second)).toBe(true)
  for (let i = 0; i < MAX_TASKS_EACH; i++) await send()
  expect(await knows(second)).toBe(false)
  expect((await rpc('ListTasks', { pageSize: 100 })).result?.tasks).toHaveLength(MAX_TASKS_EACH)
})

test('strangers in any number leave a hundred tasks in memory, each visible to its asker alone', async () => {
  const { rpc, send } = agent()
  const askers = Array.from({ length: MAX_TASKS + 30 }, (_, i) => `12D3KooWasker${i}` as PeerId)
  const ids = new Map<PeerId, string | undefined>()
  for (const asker of askers) ids.set(asker, (await send({}, asker)).result?.task?.id)
  let kept = 0
  for (const [asker, id] of ids) kept += (await rpc('GetTask', { id }, asker)).error === undefined ? 1 : 0
  expect(kept).toBe(MAX_TASKS)
  const last = askers.at(-1) as PeerId
  expect((await rpc('GetTask', { id: ids.get(last) }, utility)).error?.code).toBe(-32_001)
  expect((await rpc('ListTasks', { pageSize: 10 }, utility)).result?.tasks).toEqual([])
})

test('an answer larger than a frame is refused rather than cut', async () => {
  const { ask, send } = agent()
  const metadata = { filler: 'x'.repeat(MAX_REQUEST_BYTES - 1_000) }
  for (let sent = 0; sent <= MAX_ANSWER_BYTES; sent += MAX_REQUEST_BYTES - 1_000) {
    expect((await send({ metadata })).error).toBeUndefined()
  }
  const list = { jsonrpc: '2.0', id: 1, method: 'ListTasks', params: { pageSize: 100 } }
  expect(await ask('POST', '/a2a/1', JSON.stringify(list))).toMatchObject({
    status: 500,
    body: expect.stringContaining('smaller pageSize'),
  })
})
