// Between the server and code that is not ours: whatever a plug-in throws, or never answers, ends here. It is counted,
// logged with the plug-in's name, and becomes a Failure for whoever asked.

import type { Failed, Soon } from "../dialects/hooks.ts"
import type { Log } from "../log.ts"
import { StoreUnavailable } from "../rooms/room-store.ts"

/** In place of an answer: the hook threw or took too long, or the store it asked is away. It says what clients hear. */
export class Failure implements Failed {
  readonly error: "internal" | "unavailable"

  constructor(error: Failure["error"]) {
    this.error = error
  }
}

const FAILED = new Failure("internal")
/** Nobody can tell now. */
export const AWAY = new Failure("unavailable")

/** 1 s between two log lines about one hook: a plug-in that fails at each relay must not fill the disk. */
const QUIET_MS = 1000

/** A plug-in as the guard knows it. */
export interface Guarded {
  readonly name: string
  readonly timeoutMs: number
}

/** See the head of this file. */
export class Guard {
  /** Hooks that threw or took too long, by plug-in. */
  readonly failures: Record<string, number> = Object.create(null)
  readonly #log: Log
  readonly #quiet = new Map<string, { until: number; left: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** The answer of a hook, at once or later; it never throws nor rejects. */
  ask<T>(plugin: Guarded, hook: string, call: () => Soon<T>): Soon<T | Failure> {
    try {
      const answer = call()
      return isPromise(answer) ? this.#await(plugin, hook, answer) : answer
    } catch (cause) {
      return this.fail(plugin, hook, cause)
    }
  }

  /** Tells a hook that gives no answer. */
  tell(plugin: Guarded, hook: string, call: () => unknown): void {
    const answer = this.ask(plugin, hook, call)
    if (answer instanceof Promise) answer.catch(() => {})
  }

  /** Counts and logs a failure; that the store is away is none of the plug-in. */
  fail(plugin: Guarded, hook: string, cause: unknown): Failure {
    if (cause instanceof StoreUnavailable) return AWAY
    this.failures[plugin.name] = (this.failures[plugin.name] ?? 0) + 1
    const key = `${plugin.name} ${hook}`
    const now = Date.now()
    const quiet = this.#quiet.get(key)
    if (quiet !== undefined && now < quiet.until) quiet.left++
    else {
      const more = quiet === undefined || quiet.left === 0 ? {} : { unlogged: quiet.left }
      this.#log.error({ plugin: plugin.name, hook, err: cause, ...more }, `plug-in ${plugin.name}: ${hook} failed`)
      this.#quiet.set(key, { until: now + QUIET_MS, left: 0 })
    }
    return FAILED
  }

  async #await<T>(plugin: Guarded, hook: string, answer: Promise<T>): Promise<T | Failure> {
    try {
      return await inTime(plugin, answer)
    } catch (cause) {
      return this.fail(plugin, hook, cause)
    }
  }
}

/** Whatever can be waited for: a plug-in may bring promises of its own. */
function isPromise<T>(answer: Soon<T>): answer is Promise<T> {
  return typeof (answer as { then?: unknown } | undefined | null)?.then === "function"
}

/** The answer, or a rejection when the plug-in takes too long. */
export async function inTime<T>({ timeoutMs }: Guarded, answer: Promise<T>): Promise<T> {
  let timer: Timer | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([answer, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks one after the other until `verdict` has something to say; stays synchronous as long as the answers do. */
export function inTurn<Item, Answer, Verdict>(
  items: readonly Item[],
  ask: (item: Item) => Soon<Answer>,
  verdict: (answer: Answer, item: Item) => Verdict | undefined,
  from = 0,
): Soon<Verdict | undefined> {
  for (const [index, item] of items.entries()) {
    if (index < from) continue
    const answer = ask(item)
    if (answer instanceof Promise) {
      return answer.then((settled) => verdict(settled, item) ?? inTurn(items, ask, verdict, index + 1))
    }
    const said = verdict(answer, item)
    if (said !== undefined) return said
  }
  return undefined
}
