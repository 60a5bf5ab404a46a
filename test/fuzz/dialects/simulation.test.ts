// Runs the simulation of PeerJS and TogetherJS: seeds that found something once, then new ones for a while. `make fuzz
// SEED=n` runs one again, with the story of its failure; `make fuzz` takes its time.

import { expect, test } from "bun:test"
import { simulateDialects } from "./simulation.ts"

/** Actions of a run: with other numbers a seed would tell another story. */
const ACTIONS = 600

/** Seconds of new seeds: 6 as a part of all tests, two minutes when asked for. */
const SECONDS = process.env["FUZZ"] === "long" ? 120 : 6

/** Two clients had one PeerJS id, after Redis had lost something or a node had been away: owner.ts found no second one. */
const FOUND_SOMETHING = [10, 31]

const seed = process.env["SEED"] ?? ""

if (seed !== "") {
  test(`seed ${seed}`, () => {
    expect(simulateDialects(Number(seed), ACTIONS).steps).toBeGreaterThan(0)
  })
} else {
  test.each(FOUND_SOMETHING)("seed %d, which found something once", (found) => {
    expect(simulateDialects(found, ACTIONS).steps).toBeGreaterThan(0)
  })

  test(`new seeds for ${SECONDS} seconds`, () => {
    const endAt = performance.now() + SECONDS * 1000
    let runs = 0
    let steps = 0
    let faults = 0
    do {
      const result = simulateDialects(Math.floor(Math.random() * 2 ** 31), ACTIONS)
      runs++
      steps += result.steps
      faults += result.faults
    } while (performance.now() < endAt)
    console.log(`simulation of dialects: ${runs} runs, ${steps} steps, ${faults} faults`)
  }, 240_000)
}
