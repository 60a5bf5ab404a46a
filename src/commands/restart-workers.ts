// `palava-machine restart-workers`: has the workers replaced, and waits until all are.

import { type AdminTarget, askAdmin, NoAnswer } from "../admin/client.ts"
import type { WorkersAnswer } from "../admin/reports.ts"

/** 0.2 s between two questions whether it is done. */
const ASK_MS = 200

/** @throws NoAnswer when it cannot be asked, or they were not all replaced */
export async function restartWorkers(target: AdminTarget): Promise<WorkersAnswer> {
  let answer = await askAdmin<WorkersAnswer>(target, "api/restart-workers", {})
  // Each worker has a deadline of its own, so this ends.
  while (answer.restarting) {
    await Bun.sleep(ASK_MS)
    answer = await askAdmin<WorkersAnswer>(target, "api/workers")
  }
  if (answer.problem !== undefined) throw new NoAnswer(answer.problem)
  return answer
}
