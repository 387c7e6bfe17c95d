import type { Task } from '@a2a-js/sdk'
import {
  DefaultExecutionEventBus,
  type ExecutionEventBus,
  type ExecutionEventBusManager,
  InMemoryTaskStore,
  type ServerCallContext,
  type TaskStore,
} from '@a2a-js/sdk/server'

/** A task can be looked up for this long. */
export const TASK_AGE_MS = 60 * 60_000
export const MAX_TASKS = 100
/** Of one asker, so that a busy one does not push out what another wants to look up. */
export const MAX_TASKS_EACH = 20

interface Kept {
  readonly task: Task
  readonly owner: string
  readonly savedMs: number
}

/** Tasks in memory, each for its asker alone. The SDK's own store never forgets; this one is bounded in age and number. */
export function createTaskStore(now: () => number): TaskStore {
  /** In the order in which they were saved. */
  const kept = new Map<string, Kept>()

  function forget(): void {
    const oldestMs = now() - TASK_AGE_MS
    for (const [key, { savedMs }] of kept) if (savedMs <= oldestMs) kept.delete(key)
  }

  function makeRoom(owner: string): void {
    const own = [...kept].filter(([, entry]) => entry.owner === owner)
    if (own.length > MAX_TASKS_EACH) kept.delete(own[0]?.[0] ?? '')
    if (kept.size > MAX_TASKS) kept.delete(kept.keys().next().value ?? '')
  }

  return {
    async save(task, context) {
      forget()
      const owner = ownerOf(context)
      const key = keyOf(owner, task.id)
      kept.delete(key)
      kept.set(key, { task: structuredClone(task), owner, savedMs: now() })
      makeRoom(owner)
    },
    async load(taskId, context) {
      forget()
      return structuredClone(kept.get(keyOf(ownerOf(context), taskId))?.task)
    },
    async list(params, context) {
      forget()
      // Filters and pages are the SDK's: over a handful of tasks they cost nothing.
      const own = new InMemoryTaskStore()
      for (const { task, owner } of kept.values()) if (owner === ownerOf(context)) await own.save(task, context)
      return own.list(params, context)
    },
  }
}

/** Event buses of the tasks that run now. The SDK's own manager keeps an empty map for each peer that ever asked. */
export function createBuses(): ExecutionEventBusManager {
  const buses = new Map<string, ExecutionEventBus>()
  const key = (taskId: string, context?: ServerCallContext): string => keyOf(ownerOf(context), taskId)
  return {
    createOrGetByTaskId(taskId, context) {
      const bus = buses.get(key(taskId, context)) ?? new DefaultExecutionEventBus()
      buses.set(key(taskId, context), bus)
      return bus
    },
    getByTaskId: (taskId, context) => buses.get(key(taskId, context)),
    cleanupByTaskId(taskId, context) {
      buses.get(key(taskId, context))?.removeAllListeners()
      buses.delete(key(taskId, context))
    },
  }
}

function ownerOf(context: ServerCallContext | undefined): string {
  return context?.user?.userName ?? ''
}

/** Peer ids have no slash. */
function keyOf(owner: string, taskId: string): string {
  return `${owner}/${taskId}`
}
