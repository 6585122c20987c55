import { Piscina } from 'piscina'
import type { OnBehalf } from './origin.ts'

export type Urgency = Pick<OnBehalf, 'priority' | 'promoted'>
type TaskQueue = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['taskQueue']>
type Task = Parameters<TaskQueue['push']>[0]

/** Marks a task for the queue. The mark stays in this thread. */
export function withUrgency<T extends object>(task: T, urgency: Urgency): T {
  return Object.assign(task, { [Piscina.queueOptionsSymbol]: urgency })
}

/**
 * The queue of marked tasks for the pool: those that clients wait for first, then the others, each in the order they came.
 * Background work counts as a client's from the moment that one comes to wait for it.
 */
export function createZipQueue(): TaskQueue {
  const tasks = new Set<Task>()
  return {
    get size() {
      return tasks.size
    },
    push: (task) => void tasks.add(task),
    remove: (task) => void tasks.delete(task),
    shift() {
      const next = firstUrgent(tasks) ?? tasks.values().next().value ?? null
      if (next !== null) tasks.delete(next)
      return next
    },
  }
}

function firstUrgent(tasks: ReadonlySet<Task>): Task | undefined {
  for (const task of tasks) if (isUrgent(task)) return task
  return undefined
}

function isUrgent(task: Task): boolean {
  const urgency = Reflect.get(task, Piscina.queueOptionsSymbol) as Urgency
  return urgency.priority === 'client' || urgency.promoted?.aborted === true
}
