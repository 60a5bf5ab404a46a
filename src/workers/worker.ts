// A worker's side: it tells its supervisor where it stands, answers what the supervisor is asked, and stops when it is told
// to, or when the supervisor is gone. Signals and the node itself are the command's business.

import type { Node } from "../app/node.ts"
import type { FromWorker, PackedRequest, QuestionName, Questions, ToWorker } from "./messages.ts"
import { packResponse, unpackRequest } from "./packed.ts"

/** What a worker is made of. */
export interface WorkerParts {
  readonly operators: Node["operators"]
  /** Stops, for another worker that listens already. */
  giveWay(): void
  changeLogLevel(level: string): void
}

/** The supervisor's answer to `given`. */
type Answers = {
  readonly [Name in QuestionName]: (
    given: Questions[Name]["given"],
  ) => Questions[Name]["answer"] | Promise<Questions[Name]["answer"]>
}

/** Tells the supervisor; one that is gone is told nothing. */
export function tellSupervisor(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}

/** Answers and obeys the supervisor from now on. */
export function serveSupervisor({ operators, giveWay, changeLogLevel }: WorkerParts): void {
  const answers: Answers = {
    readiness: () => operators.readiness(),
    metrics: async () => JSON.stringify(await operators.metrics.registry.getMetricsAsJSON()),
    operator: async (given) => packResponse(await operators.answer(unpackRequest(given), given.by)),
  }
  process.on("message", (message: ToWorker) => {
    if (message.kind === "giveWay") giveWay()
    if (message.kind === "logLevel") changeLogLevel(message.level)
    if (message.kind === "ask") void answer(answers, message)
  })
}

async function answer(answers: Answers, { id, question, given }: ToWorker & { kind: "ask" }): Promise<void> {
  try {
    if (!Object.hasOwn(answers, question)) throw new RangeError("this worker's version does not know that question")
    const answer = await answers[question](given as PackedRequest & undefined)
    tellSupervisor({ kind: "answer", id, answer })
  } catch (cause) {
    tellSupervisor({ kind: "answer", id, failure: (cause as Error).message })
  }
}
