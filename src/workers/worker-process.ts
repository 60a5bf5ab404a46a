// One worker as its supervisor sees it: a process of this same executable, what it says, and what it is asked. When to start
// and to stop it is supervisor.ts's business.

import type { Subprocess } from "bun"
import { WORKER_VARIABLE, type WorkerPlace } from "../config/worker-place.ts"
import type { FromWorker, QuestionName, Questions, Started, ToWorker } from "./messages.ts"

/** 64 questions under way to one worker: each is a person or a scraper who waits. */
const MOST_QUESTIONS = 64

/** The executable; when its file is replaced by the next version, the next worker is of that. */
const EXECUTABLE = process.execPath

/** Where the program is, if it runs from its sources: inside of the executable is none. */
const SOURCE = Bun.main.startsWith("/$bunfs/") ? [] : [Bun.main]

/** What systemd says to the main process alone (sd_notify(3)). */
const OF_MAIN_PROCESS = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"]

/** How a process ended. */
export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: string | number | null
}

/** A worker did not answer: it ended, is busy, or took too long. The message says which. */
export class NoWorkerAnswer extends Error {
  override name = "NoWorkerAnswer"
}

/** See the head of this file. */
export class WorkerProcess {
  readonly number: number
  /** Monotonic milliseconds. */
  readonly bornAt = performance.now()
  /** When it serves clients; undefined when it ended before. */
  readonly started: Promise<Started | undefined>
  /** When it also reaches Redis, with true; false when it ended before. */
  readonly isUp: Promise<boolean>
  readonly exited: Promise<Exit>
  /** Once it has started. */
  about: Started | undefined
  readonly #process: Subprocess
  readonly #started = Promise.withResolvers<Started | undefined>()
  readonly #isUp = Promise.withResolvers<boolean>()
  readonly #exited = Promise.withResolvers<Exit>()
  readonly #questions = new Map<number, { settle(answer: unknown, failure?: string): void }>()
  #lastId = 0

  constructor(place: WorkerPlace) {
    this.number = place.number
    this.started = this.#started.promise
    this.isUp = this.#isUp.promise
    this.exited = this.#exited.promise
    const env: Record<string, string | undefined> = { ...process.env, [WORKER_VARIABLE]: JSON.stringify(place) }
    for (const name of OF_MAIN_PROCESS) delete env[name]
    this.#process = Bun.spawn([EXECUTABLE, ...SOURCE, ...process.argv.slice(2)], {
      env,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (message: FromWorker) => this.#onMessage(message),
      onExit: (process, code) => this.#onExit({ code, signal: process.signalCode }),
    })
  }

  get pid(): number {
    return this.#process.pid
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Has it stop for another worker, which listens already. */
  giveWay(): void {
    this.#tell({ kind: "giveWay" })
  }

  /** Has it log at this level. */
  changeLogLevel(level: string): void {
    this.#tell({ kind: "logLevel", level })
  }

  /** @throws NoWorkerAnswer when there is none within `ms` */
  async ask<Name extends QuestionName>(
    question: Name,
    given: Questions[Name]["given"],
    ms: number,
  ): Promise<Questions[Name]["answer"]> {
    if (this.#questions.size >= MOST_QUESTIONS) throw new NoWorkerAnswer("is asked too much at once")
    const id = ++this.#lastId
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(undefined, `did not answer within ${ms / 1000} s`), ms)
      const settle = (answer: unknown, failure?: string): void => {
        clearTimeout(timer)
        this.#questions.delete(id)
        if (failure === undefined) resolve(answer as Questions[Name]["answer"])
        else reject(new NoWorkerAnswer(failure))
      }
      this.#questions.set(id, { settle })
      this.#tell({ kind: "ask", id, question, given })
    })
  }

  #tell(message: ToWorker): void {
    try {
      this.#process.send(message)
    } catch {
      // Its end of the channel is closed: it ends, and then all who wait are told.
    }
  }

  #onMessage(message: FromWorker): void {
    if (message.kind === "answer") this.#questions.get(message.id)?.settle(message.answer, message.failure)
    if (message.kind === "started") {
      this.about = message
      this.#started.resolve(message)
    }
    if (message.kind === "up" || (message.kind === "started" && message.isUp)) this.#isUp.resolve(true)
  }

  #onExit(exit: Exit): void {
    this.#started.resolve(undefined)
    this.#isUp.resolve(false)
    for (const { settle } of this.#questions.values()) settle(undefined, "ended")
    this.#exited.resolve(exit)
  }
}
