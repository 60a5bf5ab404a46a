// A small clock for parts of the server: runs an operation in rounds and reports the quickest and the median round.
//
// The quickest round is the figure to compare: whatever else the machine did meanwhile only ever adds. A round's clock
// stops when all that it began is done: a queue filled quickly is not work done quickly.

import { median } from "../statistics.ts"

/** 4 ms: long against the clock's own cost, short enough that most rounds are not interrupted. */
const ROUND_NANOSECONDS = 4e6
const ROUNDS = process.env["QUICK"] ? 10 : 200
/** Rounds before the compiler has settled. */
const WARMUP_ROUNDS = process.env["QUICK"] ? 10 : 40

/** Nanoseconds per operation. */
export interface Timing {
  name: string
  best: number
  median: number
}

/** Whatever an operation returns ends here, so that it cannot be left out. */
export const sink: { last: unknown } = { last: undefined }

/** Measures a synchronous operation; `turn` counts up, to choose among prepared inputs. */
export function measure(name: string, operate: (turn: number) => unknown): Timing {
  let perRound = 16
  let turn = 0
  const round = (): number => {
    const start = Bun.nanoseconds()
    for (let count = 0; count < perRound; count++) sink.last = operate(turn++)
    return Bun.nanoseconds() - start
  }
  while (round() < ROUND_NANOSECONDS) perRound *= 2
  for (let count = 0; count < WARMUP_ROUNDS; count++) round()
  const times = Array.from({ length: ROUNDS }, () => round() / perRound)
  return report(name, times)
}

/** Measures operations that are begun many at a time, until the last one of the round is done. */
export async function measureMany(
  name: string,
  atOnce: number,
  operate: (turn: number) => Promise<unknown>,
): Promise<Timing> {
  const times: number[] = []
  let turn = 0
  for (let count = 0; count < WARMUP_ROUNDS + ROUNDS; count++) {
    const start = Bun.nanoseconds()
    await Promise.all(Array.from({ length: atOnce }, () => operate(turn++)))
    if (count >= WARMUP_ROUNDS) times.push((Bun.nanoseconds() - start) / atOnce)
  }
  return report(name, times)
}

function report(name: string, times: readonly number[]): Timing {
  const timing = { name, best: Math.min(...times), median: median(times) }
  const figures = [timing.best, timing.median].map((time) =>
    `${Math.round(time).toLocaleString("en-US")} ns`.padStart(12),
  )
  console.log(`${name.padEnd(56)}${figures.join("")}`)
  return timing
}

/** Copies of `text`, each a string of its own, as they come from sockets: an engine may cheat with one it knows. */
export function copiesOf(text: string, count = 64): string[] {
  const bytes = Buffer.from(text)
  return Array.from({ length: count }, () => bytes.toString("utf8"))
}
