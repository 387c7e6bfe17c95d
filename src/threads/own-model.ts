import { z } from 'zod'
import { codeOf, messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { ThreadKinds } from './kind.ts'
import type { ModelInfo, Pool } from './pool.ts'

/** What is known of the model of this machine: nothing before it was opened. */
export interface OwnModel {
  /** Opens it, unless it is known or this kind takes none. @throws CodedError<ThreadsErrorCode>: it cannot be opened */
  learn(kind: string): Promise<void>
  /** The same without waiting. False: it failed a while ago, and is not tried again just because somebody asks. */
  used(kind: string): boolean
  fingerprints(): readonly string[] | undefined
  /** Words of what computes here. */
  engines(): readonly string[]
}

export interface OwnModelDeps {
  readonly pool: Pick<Pool, 'run' | 'warm'>
  /** As they are now. */
  readonly kinds: () => ThreadKinds
  readonly log: Pick<Log, 'warn'>
  now(): number
}

/** Known without asking: the model that comes with wattmesh runs on it everywhere. */
const ALWAYS = 'onnxruntime'
/** Opening takes a thread for up to a minute. */
const OPEN_AGAIN_MS = 10 * 60_000
const saysModel = z.object({ fingerprint: z.string() })

/** @returns `run` as in the pool; what comes of it tells which model is here now: it may be exchanged while this runs */
export function createOwnModel({ pool, kinds, log, now }: OwnModelDeps): { model: OwnModel; run: Pool['run'] } {
  let known: ModelInfo | undefined
  let asking: Promise<void> | undefined
  let notBeforeMs = 0

  const takes = (name: string): boolean => {
    const known = kinds()
    return Object.hasOwn(known, name) && known[name]?.asks.embedder === true
  }

  async function ask(): Promise<void> {
    try {
      known = await pool.warm()
    } catch (error) {
      notBeforeMs = now() + OPEN_AGAIN_MS
      log.warn({ reason: messageOf(error) }, 'the model cannot be opened; work of others that needs it is refused')
      throw error
    } finally {
      asking = undefined
    }
  }

  async function learn(kind: string): Promise<void> {
    if (known !== undefined || !takes(kind)) return
    asking ??= ask()
    await asking
  }

  function used(kind: string): boolean {
    if (known === undefined && now() < notBeforeMs) return false
    void learn(kind).catch(() => undefined)
    return true
  }

  /** A thread has opened it: so it can be opened, and this is the one there is. */
  function saw(output: unknown): void {
    const said = saysModel.safeParse(output)
    if (!said.success) return
    notBeforeMs = 0
    if (known !== undefined) known = { ...known, fingerprint: said.data.fingerprint }
  }

  const run: Pool['run'] = async (kind, params, input, options) => {
    try {
      const output = await pool.run(kind, params, input, options)
      if (takes(kind)) saw(output)
      return output
    } catch (error) {
      const wanted = saysModel.safeParse(params).data?.fingerprint
      if (codeOf(error) === 'TASK_MODEL_MISMATCH' && wanted === known?.fingerprint) known = undefined
      throw error
    } finally {
      // Even a task that wanted another model has opened the one there is.
      used(kind)
    }
  }

  const fingerprints = () => (known === undefined ? undefined : [known.fingerprint])
  return { run, model: { learn, used, fingerprints, engines: () => wordsOf(known?.engine) } }
}

function wordsOf(engine: string | undefined): readonly string[] {
  return engine === undefined ? [ALWAYS] : [...new Set([ALWAYS, engine, ...engine.split(' ')])]
}
