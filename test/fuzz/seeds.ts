// The tests of a simulation, of which each run follows from its seed: first the seeds that found something once, then
// others. All tests run the same ones each time, so that what fails is what was changed; `make fuzz` draws others for a
// while, and `make fuzz SEED=n` runs one again, with the story of its failure.

import { expect, test } from "bun:test"

/** Two minutes of new seeds, when asked for. */
const LONG_SECONDS = 120

/** A seed that nobody has run: any of 31 bits. */
const drawSeed = (): number => Math.floor(Math.random() * 2 ** 31)

const given = process.env["SEED"] ?? ""
const isLong = process.env["FUZZ"] === "long"

/** Of tests with one seed: the one that was asked for, a new one in `make fuzz`, and else 1. */
export const ONE_SEED = given !== "" ? Number(given) : isLong ? drawSeed() : 1

/** Which seeds; each tells the same story only as long as nothing draws on its chance in another order. */
export interface Seeds {
  /** Each found something, or finds it again when its mend is taken out. */
  readonly foundSomething: readonly number[]
  /** This one and the next, of no special kind, `count` in all. */
  readonly first: number
  readonly count: number
}

/**
 * Makes the tests; `simulate` says what a run was like, in numbers, `steps` among them, or
 * throws an Error with what led to a failure.
 */
export function testSeeds(
  { foundSomething, first, count }: Seeds,
  simulate: (seed: number) => Readonly<Record<string, number>>,
): void {
  const expectToHold = (seed: number): void => expect(simulate(seed)["steps"]).toBeGreaterThan(0)
  if (given !== "") {
    test(`seed ${given}`, () => expectToHold(Number(given)))
    return
  }

  test.each(foundSomething)("seed %d, which found something once", expectToHold)

  if (isLong) {
    test(`new seeds for ${LONG_SECONDS} seconds`, () => {
      const endAt = performance.now() + LONG_SECONDS * 1000
      const sum: Record<string, number> = { runs: 0 }
      do {
        for (const [what, value] of Object.entries({ runs: 1, ...simulate(drawSeed()) })) {
          sum[what] = (sum[what] ?? 0) + value
        }
      } while (performance.now() < endAt)
      console.log(JSON.stringify(sum))
    }, 240_000)
    return
  }

  const others = Array.from({ length: count }, (_, at) => first + at)
  test.each(others)("seed %d, one of many", expectToHold)
}
