// Time that only moves when it is told to: a queue of tasks, run one by one in the order of their hour, with all that
// follows from each (promises included) before the next. The same tasks make the same run, thousands of steps a second.

import { drainMicrotasks } from "bun:jsc"

interface Task {
  readonly at: number
  /** Of two tasks of one hour the older goes first. */
  readonly number: number
  run: (() => void) | undefined
}

/** See the head of this file. */
export class VirtualTime {
  /** Milliseconds since the beginning. */
  now = 0
  /** Tasks run so far. */
  steps = 0
  readonly #heap: Task[] = []
  #numbers = 0

  /** Runs `run` in `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void {
    const task: Task = { at: this.now + Math.max(0, ms), number: ++this.#numbers, run }
    this.#push(task)
    return () => {
      task.run = undefined
    }
  }

  /** Runs everything that is due until `end`, and what follows from it. */
  runUntil(end: number): void {
    for (let task = this.#heap[0]; task !== undefined && task.at <= end; task = this.#heap[0]) {
      this.#pop()
      if (task.run === undefined) continue
      this.now = task.at
      this.steps++
      task.run()
      drainMicrotasks()
    }
    this.now = Math.max(this.now, end)
  }

  #push(task: Task): void {
    const heap = this.#heap
    let at = heap.push(task) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Task
      if (isBefore(above, task)) break
      heap[at] = above
      at = parent
    }
    heap[at] = task
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Task, heap[child] as Task)) child++
      if (isBefore(last, heap[child] as Task)) break
      heap[at] = heap[child] as Task
      at = child
    }
    heap[at] = last
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number)
}
