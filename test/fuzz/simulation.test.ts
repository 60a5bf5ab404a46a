// Runs the simulation: seeds that failed once, then new ones for a while. `make fuzz SEED=n` runs one again, with the
// story of its failure; `make fuzz` takes its time.

import { expect, test } from "bun:test"
import { simulate } from "./simulation.ts"

/** Actions of a run: with other numbers a seed would tell another story. */
const ACTIONS = 1000

/** Seconds of new seeds: 3 as a part of all tests, a minute when asked for. */
const SECONDS = process.env["FUZZ"] === "long" ? 60 : 3

/** Each found something: a newcomer told too much, a healing without end, a lost join, a ghost, a second answer. */
const FAILED_ONCE = [13, 103, 271, 1047, 1516, 1552, 3211, 5585, 103634]

const seed = process.env["SEED"] ?? ""

if (seed !== "") {
  test(`seed ${seed}`, () => {
    expect(simulate(Number(seed), ACTIONS).steps).toBeGreaterThan(0)
  })
} else {
  test.each(FAILED_ONCE)("seed %d, which failed once", (failed) => {
    expect(simulate(failed, ACTIONS).steps).toBeGreaterThan(0)
  })

  test(`new seeds for ${SECONDS} seconds`, () => {
    const endAt = performance.now() + SECONDS * 1000
    let runs = 0
    let steps = 0
    let faults = 0
    do {
      const result = simulate(Math.floor(Math.random() * 2 ** 31), ACTIONS)
      runs++
      steps += result.steps
      faults += result.faults
    } while (performance.now() < endAt)
    console.log(`simulation: ${runs} runs, ${steps} steps, ${faults} faults, ${Math.round(steps / SECONDS)} steps/s`)
  }, 120_000)
}
