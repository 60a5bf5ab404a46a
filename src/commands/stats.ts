// `palava-machine stats`: the usage statistics, from Redis or from the server that runs here.

import { makeHours } from "../app/parts.ts"
import { adminAddressOf, adminHeadersOf } from "../config/admin-address.ts"
import type { Invocation } from "../config/load.ts"
import { answerQuestion, readFromServer, readFromStore } from "../stats/question.ts"
import { exitFailed, exitFor } from "./exit.ts"

/** 80 columns where the output is no terminal. */
const COLUMNS = 80

/** Prints what the flags of the command ask for. */
export async function printStats({ config, statsFlags }: Invocation): Promise<void> {
  const hours = makeHours(config)
  const { host, port } = adminAddressOf(config)
  // Hours that a process counts itself are in its memory: only the server that runs here knows them.
  const read =
    hours.counter === undefined
      ? readFromStore(hours)
      : readFromServer(`http://${host}:${port}/`, adminHeadersOf(config))
  try {
    console.log(await answerQuestion(statsFlags, read, process.stdout.columns ?? COLUMNS))
  } catch (cause) {
    if (cause instanceof RangeError) exitFor([cause.message])
    exitFailed(`the statistics cannot be read: ${(cause as Error).message}`)
  }
}
