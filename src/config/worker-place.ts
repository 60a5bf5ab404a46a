// What a process learns from its environment when it is a worker: the supervisor (src/workers) sets the variable for those
// it starts, and nobody else.

import * as v from "valibot"

/** Holds the place as JSON. */
export const WORKER_VARIABLE = "PALAVA_WORKER"

const PLACE = v.object({
  /** 1 for the first. */
  number: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** All workers listen on it; 0 for the first of them where `--port` is 0. */
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535)),
  /** Where they have their sockets for each other; empty where there is no place for them, or the supervisor is of an older release. */
  folder: v.optional(v.string(), ""),
})

/** Which of the workers a process is, and where it listens. */
export type WorkerPlace = Readonly<v.InferOutput<typeof PLACE>>

/** The place of this process; undefined when it is no worker. @throws Error when somebody else set the variable */
export function workerPlaceOf(env: Readonly<Record<string, string | undefined>>): WorkerPlace | undefined {
  const text = env[WORKER_VARIABLE]
  if (text === undefined) return undefined
  const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), PLACE), text)
  if (success && process.connected) return output
  throw new Error(`${WORKER_VARIABLE} is set, which only the server does for its workers: unset it`)
}
