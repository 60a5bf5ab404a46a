// Attacks on one node, with two honest peers at 50 messages a second beside each. A look at each in every run; FUZZ=long takes
// longer, and ATTACKS=write writes the figures to docs/attacks.md.

import { afterAll, expect, test } from "bun:test"
import { IS_LONG } from "../helpers/long-runs.ts"
import { attack, type Outcome } from "./attack.ts"
import { writeTable } from "./table.ts"

/**
 * Milliseconds for 99 of 100 honest messages, where the machine has something left to do it with. A short look has little
 * besides the first moments, in which an attacker spends what it may do at once.
 */
const P99_MS = IS_LONG ? 50 : 1_000

/** 0.9 of a core: there the attack takes the whole of it, and messages wait for their turn. */
const WHOLE_CPU = 0.9

/** 0.3 of the machine: with less to spare (the attacker runs on it as well, and tests beside it) all wait for a core. */
const SPARE_PART = 0.3

/** Megabytes of the node, at most, whatever is done to it. */
const MOST_MB = 512

/** 20 s after a long attack. */
const BACK_TIMES = 1.5

const ATTACKS = [
  "messages without end",
  "pings without end",
  "a message in fragments of a byte",
  "frames that are never ended",
  "silence behind the handshake",
  "requests that are never ended",
  "handshakes with 200 headers",
  "rooms in a loop",
  "joins with invalid statuses at a full room",
  "status changes in a full room",
  "20 MB of garbage a second",
  "readers that do not read",
  "connections without end",
  "plain requests without end",
  "relays to another room",
  "forged senders",
  "guesses of a token",
  "malformed frames",
]

const outcomes: Outcome[] = []
afterAll(() => {
  if (process.env["ATTACKS"] === "write") writeTable(outcomes)
  else
    console.log(
      outcomes
        .map(
          ({ attack, p50, p99, quietP99, lagMs, cpu, idle, rss, refused }) =>
            `${attack}: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} (quiet ${quietP99.toFixed(1)}) ms, lag ${lagMs} ms, cpu ${cpu.toFixed(2)}, idle ${idle.toFixed(2)}, rss ${rss.before.toFixed(0)} / ${rss.most.toFixed(0)} / ${rss.after.toFixed(0)} MB, refused ${refused}`,
        )
        .join("\n"),
    )
})

for (const kind of ATTACKS) {
  test(`${kind}: the honest get all that is theirs, in time`, async () => {
    const outcome = await attack(kind)
    outcomes.push(outcome)
    const { done, wrong, p99, idle, cpu, rss, complaints } = outcome
    expect(done).toBeGreaterThan(0)
    expect(wrong).toEqual([])
    if (idle > SPARE_PART && cpu < WHOLE_CPU) expect(p99).toBeLessThan(P99_MS)
    expect(rss.most).toBeLessThan(MOST_MB)
    if (IS_LONG) expect(rss.after).toBeLessThan(rss.before * BACK_TIMES)
    expect(complaints).toBe("")
  })
}
