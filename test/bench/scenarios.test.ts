// Every scenario of the bench still runs, and nothing of what it loads goes wrong. Figures of such a short run say nothing.

import { expect, test } from "bun:test"
import { growthOf } from "../../bench/load/soak.ts"
import { allScenarios } from "../../bench/scenarios.ts"
import { bench } from "./bench.ts"

const NONE = {
  rounds: 1,
  firstWarmupSeconds: 0,
  warmupSeconds: 0,
  seconds: 0,
  restSeconds: 0,
  idleConnections: 0,
  stormClients: 0,
  soakSeconds: 0,
}
const crowd = { connections: 0, processes: 0 }
const scenarios = allScenarios({ isQuick: true, ...NONE, crowd, connectionPoints: [] }, null)

/** Over TLS the loads are the same: tls.test.ts looks at one of them. */
for (const { name, contenders } of scenarios.filter(({ name }) => !/^tls-|-tls$/.test(name))) {
  test(name, async () => {
    const { runs } = await bench(name)
    if (name !== "growth-connections") expect(Object.keys(runs)).toEqual(contenders.map((contender) => contender.name))
    for (const [result] of Object.values(runs)) expect(result).toMatchObject({ errors: 0, firstError: "" })
  })
}

test("growth is the slope of the line nearest to what was read, from the first to the last, as a part of the mean", () => {
  expect(growthOf([98, 101, 104])).toBeCloseTo(6 / 101)
  expect(growthOf([100, 101, 100])).toBe(0)
})
