// Keeps so many workers alive: starts them, starts another where one ends or hangs, replaces them one by one, stops them all.
// It never sees a client. What operators ask is operators.ts's business, what the process is told that of the command.

import type { Log } from "../log.ts"
import { type Exit, WorkerProcess } from "./worker-process.ts"

/** 0.1 s until the first new try, then twice as long each time: a crash is over at once, and what lasts must not eat a CPU. */
const FIRST_DELAY_MS = 100

/** 30 s at most between two tries: whoever mends what is wrong does not wait longer than that. */
const LONGEST_DELAY_MS = 30_000

/** 60 s after its start a worker counts as one that works. */
const LIVED_MS = 60_000

/** 3 s between two looks whether workers answer, and as long for each answer, which takes a millisecond. */
const LOOK_MS = 3_000

/** 5 looks without an answer, some 15 s: no garbage collection takes that long, and clients wait for 30. */
const MOST_MISSED = 5

/** 60 s for a new worker to serve clients, when others are replaced: it takes a second; a wait for Redis is ended by it. */
const START_MS = 60_000

/** 10 s on top of the announced wait: leaving and closing take 8 s at most. */
const STOP_MARGIN_MS = 10_000

/** 0.95 s when somebody insists: a worker that lives ends itself after 0.9 s. */
const INSISTING_MS = 950

/** What a supervisor needs. */
export interface SupervisorParts {
  readonly count: number
  /** All of them listen on it; 0 takes a free one. */
  readonly port: number
  /** Where they have their sockets for each other; empty where there is no place for them. */
  readonly folder: string
  /** Seconds between the announcement of a shutdown and the end. */
  readonly shutdownSeconds: number
  readonly log: Log
  /** A worker is about to stop; what is to be asked of it, is asked now. */
  readonly onLeaving: (worker: WorkerProcess) => Promise<void>
  readonly onEnded: (worker: WorkerProcess) => void
}

/** One of them ended before all had started once; `code` is that of the program then. */
export class WorkerFailed extends Error {
  override name = "WorkerFailed"
  readonly code: number

  constructor(number: number, { code, signal }: Exit) {
    super(`worker ${number} ended at its start${signal === null ? "" : ` (${signal})`}`)
    this.code = code === null || code === 0 ? 1 : code
  }
}

/** Where a worker belongs. */
interface Slot {
  readonly number: number
  /** Undefined until the next try. */
  worker: WorkerProcess | undefined
  /** In a row. */
  failures: number
  nextTry: Timer | undefined
}

/** See the head of this file. */
export class Supervisor {
  /** Of workers that ended by themselves, started again. */
  restarted = 0
  /** Why the last replacing did not come to its end; undefined if it did. */
  problem: string | undefined
  readonly #parts: SupervisorParts
  readonly #slots: readonly Slot[]
  /** Those in their places, those that come and those that go. */
  readonly #all = new Set<WorkerProcess>()
  readonly #missed = new Map<WorkerProcess, number>()
  #port: number
  #isStopping = false
  #replacing: Promise<void> | undefined

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#port = parts.port
    this.#slots = Array.from({ length: parts.count }, (_, at) => ({
      number: at + 1,
      worker: undefined,
      failures: 0,
      nextTry: undefined,
    }))
  }

  /** All there are, those that come or go, too. */
  get all(): readonly WorkerProcess[] {
    return [...this.#all]
  }

  /** By number; undefined where one has ended and the next is not there yet. */
  get inPlace(): readonly (readonly [number: number, worker: WorkerProcess | undefined])[] {
    return this.#slots.map(({ number, worker }) => [number, worker])
  }

  /** Those in their places that serve clients. */
  get serving(): readonly WorkerProcess[] {
    return this.#slots.flatMap(({ worker }) => (worker?.about === undefined ? [] : [worker]))
  }

  get isReplacing(): boolean {
    return this.#replacing !== undefined
  }

  /** Whether some worker answers. */
  get isAlive(): boolean {
    return this.serving.some((worker) => (this.#missed.get(worker) ?? 0) === 0)
  }

  /**
   * Starts them: the first, so that what is wrong is told once, then all others.
   * @returns the port, and whether all of them reach Redis by now
   * @throws WorkerFailed
   */
  async start(): Promise<{ port: number; areUp: boolean }> {
    const started = async (slot: Slot): Promise<boolean> => {
      const worker = this.#spawn(slot.number)
      slot.worker = worker
      const about = await worker.started
      if (about === undefined) throw new WorkerFailed(slot.number, await worker.exited)
      this.#port = about.port
      return about.isUp
    }
    const [first, ...others] = this.#slots as readonly [Slot, ...Slot[]]
    const isFirstUp = await started(first)
    const areUp = await Promise.all(others.map(started))
    for (const slot of this.#slots) this.#watch(slot)
    setInterval(() => this.#look(), LOOK_MS).unref()
    return { port: this.#port, areUp: isFirstUp && areUp.every((isUp) => isUp) }
  }

  /** Resolves with true when all reach Redis, with false when one of them ended before. */
  async areUp(): Promise<boolean> {
    const all = await Promise.all(this.#slots.map(({ worker }) => worker?.isUp ?? false))
    return all.every((isUp) => isUp)
  }

  /** Has all that have started read their files again. */
  reload(): void {
    for (const worker of this.#all) if (worker.about !== undefined) worker.kill("SIGHUP")
  }

  /** Has all log at this level from now on. */
  changeLogLevel(level: string): void {
    for (const worker of this.serving) worker.changeLogLevel(level)
  }

  /** Replaces them one by one, if that is not under way already; what went wrong is `problem`, and then the rest stay. */
  replaceAll(by: string): boolean {
    if (this.#isStopping || this.isReplacing) return false
    const { log, count } = this.#parts
    log.info({ by, workers: count }, "operator: restart-workers")
    this.problem = undefined
    this.#replacing = this.#replaceEach().then(
      () => log.info({ workers: count }, "the workers were replaced"),
      (cause: Error) => {
        this.problem = cause.message
        log.error({ reason: cause.message }, "the workers were not all replaced")
      },
    )
    void this.#replacing.finally(() => {
      this.#replacing = undefined
    })
    return true
  }

  /** Stops all of them; those that take too long are killed. */
  async stop(how: "gently" | "atOnce"): Promise<void> {
    this.#isStopping = true
    for (const { nextTry } of this.#slots) clearTimeout(nextTry)
    for (const worker of this.#all) worker.kill(how === "gently" ? "SIGTERM" : "SIGINT")
    const ms = how === "gently" ? this.#parts.shutdownSeconds * 1000 + STOP_MARGIN_MS : INSISTING_MS
    await Promise.all(this.all.map((worker) => this.#endsWithin(worker, ms)))
  }

  #spawn(number: number): WorkerProcess {
    const worker = new WorkerProcess({ number, port: this.#port, folder: this.#parts.folder })
    this.#all.add(worker)
    worker.exited.then(() => {
      this.#all.delete(worker)
      this.#missed.delete(worker)
      this.#parts.onEnded(worker)
    })
    return worker
  }

  /** Sees to it that another follows when the one in this place ends. */
  #watch(slot: Slot): void {
    const { worker } = slot
    worker?.exited.then((exit) => {
      if (slot.worker !== worker || this.#isStopping) return
      slot.worker = undefined
      if (performance.now() - worker.bornAt > LIVED_MS) slot.failures = 0
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** slot.failures++, LONGEST_DELAY_MS)
      const { number } = slot
      this.#parts.log.error(
        { worker: number, pid: worker.pid, ...exit, delayMs },
        "a worker ended and is started again",
      )
      slot.nextTry = setTimeout(() => {
        this.restarted++
        slot.worker = this.#spawn(number)
        this.#watch(slot)
      }, delayMs)
    })
  }

  /** Whether they answer; one that does not for long is killed, and so replaced. */
  #look(): void {
    for (const worker of this.serving) {
      worker.ask("readiness", undefined, LOOK_MS).then(
        () => this.#missed.set(worker, 0),
        () => {
          const missed = (this.#missed.get(worker) ?? 0) + 1
          if (this.#all.has(worker)) this.#missed.set(worker, missed)
          if (missed !== MOST_MISSED || this.#isStopping) return
          this.#parts.log.error({ worker: worker.number, pid: worker.pid }, "a worker does not answer and is killed")
          worker.kill("SIGKILL")
        },
      )
    }
  }

  async #replaceEach(): Promise<void> {
    for (const slot of this.#slots) {
      const fresh = this.#spawn(slot.number)
      const tooLate = setTimeout(() => fresh.kill("SIGKILL"), START_MS)
      const isUp = await fresh.isUp
      clearTimeout(tooLate)
      if (this.#isStopping) throw new Error("the server stops")
      if (!isUp) {
        const reason = `ended, or was not ready within ${START_MS / 1000} s`
        throw new Error(`worker ${slot.number}: the new one ${reason}; the old one goes on, and so do those behind it`)
      }
      const { worker: old } = slot
      clearTimeout(slot.nextTry)
      slot.worker = fresh
      slot.failures = 0
      this.#watch(slot)
      if (old === undefined) continue
      await this.#parts.onLeaving(old)
      old.giveWay()
      await this.#endsWithin(old, STOP_MARGIN_MS)
    }
  }

  /** Resolves when it has ended, by force if it takes longer than that. */
  async #endsWithin(worker: WorkerProcess, ms: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#parts.log.warn({ worker: worker.number, pid: worker.pid }, "a worker took too long to stop and is killed")
      worker.kill("SIGKILL")
    }, ms)
    await worker.exited
    clearTimeout(timer)
  }
}
