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
 * The queue of marked tasks for the pool: those that clients wait for first, then the others, each in the order they
 * came. Background work counts as a client's from the moment that one comes to wait for it.
 */
export function createZipQueue(): TaskQueue {
  const tasks: Task[] = []
  return {
    get size() {
      return tasks.length
    },
    push: (task) => void tasks.push(task),
    // What no worker was free for comes back to its place.
    unshift: (task) => void tasks.unshift(task),
    remove(task) {
      const at = tasks.indexOf(task)
      if (at >= 0) tasks.splice(at, 1)
    },
    shift() {
      const urgent = tasks.findIndex(isUrgent)
      return tasks.splice(Math.max(0, urgent), 1)[0] ?? null
    },
  }
}

function isUrgent(task: Task): boolean {
  const urgency = Reflect.get(task, Piscina.queueOptionsSymbol) as Urgency
  return urgency.priority === 'client' || urgency.promoted?.aborted === true
}
