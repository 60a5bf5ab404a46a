// Every scenario of the bench still runs, and nothing of what it loads goes wrong. Figures of such a short run say nothing.

import { expect, test } from "bun:test"
import { allScenarios } from "../../bench/scenarios.ts"
import { bench } from "./bench.ts"

const NONE = { rounds: 1, warmupSeconds: 0, seconds: 0, restSeconds: 0, idleConnections: 0, stormClients: 0 }
const scenarios = allScenarios({ isQuick: true, ...NONE, scalePoints: [] }, null)

/** Over TLS the loads are the same: tls.test.ts looks at one of them. */
for (const { name, contenders } of scenarios.filter(({ name }) => !name.startsWith("tls-"))) {
  test(name, async () => {
    const { runs } = await bench(name)
    if (name !== "scale") expect(Object.keys(runs)).toEqual(contenders.map((contender) => contender.name))
    for (const [result] of Object.values(runs)) expect(result).toMatchObject({ errors: 0, firstError: "" })
  })
}
