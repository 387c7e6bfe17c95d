import { type Message, type Part, Role, TaskState } from '@a2a-js/sdk'
import { AgentEvent, type AgentExecutor, type ExecutionEventBus } from '@a2a-js/sdk/server'
import { messageOf } from '../../../kernel/errors.ts'
import type { NewId, PeerId } from '../../../kernel/ids.ts'
import type { Log } from '../../../kernel/log.ts'
import { type StateOfCharge, socSeries } from '../soc/series.ts'
import { dataPart, message, type Rejection, SOC_SKILL, textPart } from '../soc/task.ts'

/** What the agent must know of its household and of who asks. */
export interface HouseholdView {
  /** The household's consent, from its configuration. */
  readonly sharesSoc: boolean
  /** Whom the consent is given to: the utilities it names. Anybody can call itself one. */
  sharesWith(peer: PeerId): boolean
  /** Whether this peer's unexpired advert says utility. */
  isUtility(peer: PeerId): boolean
  /** Whether it is of our zone. */
  inZone(peer: PeerId): boolean
  /** What the battery will hold at the end of the current slot; undefined while that is not known. */
  stateOfCharge(): StateOfCharge | undefined
}

/** What becomes of a task. */
export type Reply =
  | { readonly state: 'completed'; readonly soc: StateOfCharge }
  | { readonly state: 'rejected'; readonly rejection: Rejection; readonly words: string }
  | { readonly state: 'failed'; readonly words: string }

/** Strangers learn that they are strangers before they learn whether there is consent or a battery. */
export function decide(household: HouseholdView, asker: PeerId): Reply {
  if (!household.isUtility(asker)) {
    return rejected('NOT_A_UTILITY', 'not a utility: this household knows no current advert of yours that says so')
  }
  if (!household.inZone(asker)) return rejected('OTHER_ZONE', 'not the utility of this zone')
  if (!household.sharesSoc)
    return rejected('NO_CONSENT', 'no consent: this household keeps its state of charge to itself')
  if (!household.sharesWith(asker))
    return rejected(
      'NO_CONSENT',
      'no consent: this household tells its state of charge to the utility it names, not to you',
    )
  const soc = household.stateOfCharge()
  return soc === undefined
    ? { state: 'failed', words: 'the state of charge is not known yet; ask again in a while' }
    : { state: 'completed', soc }
}

function rejected(rejection: Rejection, words: string): Reply {
  return { state: 'rejected', rejection, words }
}

export interface ExecutorDeps {
  readonly household: HouseholdView
  readonly now: () => number
  readonly newId: NewId
  readonly log: Log
}

/** Submitted, working, and at once completed, rejected or failed: nothing here takes time. */
export function createExecutor(deps: ExecutorDeps): AgentExecutor {
  const { household, now, newId, log } = deps
  const timestamp = (): string => new Date(now()).toISOString()

  /** A bug of ours costs one task: the SDK would tell it to the asker, and to the console instead of the log. */
  function decided(asker: PeerId): Reply {
    try {
      return decide(household, asker)
    } catch (error) {
      log.error({ peer: asker, reason: messageOf(error) }, 'the state of charge could not be read for an agent')
      return { state: 'failed', words: 'the state of charge cannot be read now; ask again in a while' }
    }
  }

  return {
    async execute({ taskId, contextId, context }, bus) {
      const task = { taskId, contextId }
      const status = (state: TaskState, said?: Message): void =>
        bus.publish(
          AgentEvent.statusUpdate({ ...task, status: { state, message: said, timestamp: timestamp() }, metadata: {} }),
        )
      const say = (parts: readonly Part[]): Message =>
        message({ role: Role.ROLE_AGENT, messageId: newId(), parts, ...task })

      bus.publish(
        AgentEvent.task({
          id: taskId,
          contextId,
          artifacts: [],
          history: [],
          metadata: {},
          status: { state: TaskState.TASK_STATE_SUBMITTED, message: undefined, timestamp: timestamp() },
        }),
      )
      const decision = decided((context.user?.userName ?? '') as PeerId)
      if (decision.state === 'rejected') {
        const parts = [textPart(decision.words), dataPart({ rejection: decision.rejection })]
        status(TaskState.TASK_STATE_REJECTED, say(parts))
        return
      }
      status(TaskState.TASK_STATE_WORKING)
      if (decision.state === 'failed') {
        status(TaskState.TASK_STATE_FAILED, say([textPart(decision.words)]))
        return
      }
      publishArtifact(bus, task, { artifactId: newId(), soc: decision.soc })
      status(TaskState.TASK_STATE_COMPLETED)
    },

    // A task is over in the turn of the event loop in which it began, so there is never one to cancel.
    cancelTask: async () => {},
  }
}

function publishArtifact(
  bus: ExecutionEventBus,
  task: { taskId: string; contextId: string },
  { artifactId, soc }: { artifactId: string; soc: StateOfCharge },
): void {
  const artifact = {
    artifactId,
    name: SOC_SKILL,
    description: 'State of charge at the end of the current delivery slot.',
    parts: [dataPart(socSeries(soc))],
    metadata: {},
    extensions: [],
  }
  bus.publish(AgentEvent.artifactUpdate({ ...task, artifact, append: false, lastChunk: true, metadata: {} }))
}
