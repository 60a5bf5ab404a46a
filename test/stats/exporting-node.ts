// A process that exports as a node does, and is told to die (SIGKILL, nothing runs behind it) before its nth step.
// Arguments: Redis URL, prefix, where to, the step before which to die (0: live), what time it is (unix milliseconds).
// Prints the steps it came to, one a line, each before it is done.

import { writeSync } from "node:fs"
import { Export } from "../../src/stats/export.ts"
import { RedisHours } from "../../src/stats/redis-hours.ts"
import { openSink } from "../../src/stats/sinks.ts"

const [url = "", prefix = "", target = "", dieBefore = "0", now = "0"] = process.argv.slice(2)

let steps = 0
const hours = new RedisHours({ urls: [url], isCluster: false, prefix, days: 30 })
hours.now = async () => Number(now)
const job = new Export({
  hours,
  sink: await openSink(target),
  days: 30,
  graceMs: 0,
  lockMs: 100,
  onStep(step) {
    writeSync(1, `${step}\n`)
    if (++steps === Number(dieBefore)) process.kill(process.pid, "SIGKILL")
  },
})
// While another node, which may be dead, has the lock, it is asked again, as a node does.
for (;;) {
  if ((await job.run()) > 100) break
  await Bun.sleep(10)
}
await hours.close()
