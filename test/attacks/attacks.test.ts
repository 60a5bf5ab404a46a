// Attacks on one node, with two honest peers at 50 messages a second beside each. A look at each in every run; FUZZ=long takes
// longer, and ATTACKS=write writes the figures to docs/attacks.md.

import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeCertificate } from "../helpers/certificate.ts"
import { IS_LONG } from "../helpers/long-runs.ts"
import { attack, type Needs, type Outcome } from "./attack.ts"
import { summaryOf, writeTable } from "./table.ts"
import { makeTokens } from "./tokens.ts"

/**
 * Milliseconds for 99 of 100 honest messages, and for the event loop, unless the attack takes the whole of a core. A short
 * look has little besides the first moments, in which an attacker spends what it may do at once.
 */
const MOST_MS = IS_LONG ? 50 : 200

/** 0.9 of a core: there the attack takes the whole of it, and messages wait for their turn. */
const WHOLE_CPU = 0.9

/** 0.1 of the time: with more of it the node waits for others on this machine, and the figures are theirs: not judged. */
const WAITED_PART = 0.1

/** Megabytes of the node, at most, whatever is done to it. */
const MOST_MB = 512

/** 20 s after a long attack. */
const BACK_TIMES = 1.5

const ATTACKS = [
  "messages without end",
  "messages of a thousand at once",
  "pings without end",
  "a message in fragments of a byte",
  "frames of a byte",
  "frames that are never ended",
  "frames of a megabyte that are never ended",
  "silence behind the handshake",
  "requests that are never ended",
  "handshakes with 200 headers",
  "rooms in a loop",
  "joins with invalid statuses at a full room",
  "status changes in a full room",
  "members who come and go all at once",
  "20 MB of garbage a second",
  "readers that do not read",
  "connections without end",
  "plain requests without end",
  "TLS handshakes without end",
  "relays to another room",
  "forged senders",
  "forged senders by a member",
  "tokens that are no good",
  "guesses of a token",
  "malformed frames",
]

const folder = mkdtempSync(join(tmpdir(), "attacks-"))
const { cert, key } = makeCertificate()
writeFileSync(join(folder, "cert.pem"), cert)
writeFileSync(join(folder, "key.pem"), key)

/** Where the defaults do not let the node be attacked. */
const NEEDS: Readonly<Record<string, Needs>> = {
  "TLS handshakes without end": {
    args: ["--tls-cert", join(folder, "cert.pem"), "--tls-key", join(folder, "key.pem")],
  },
  // By default it is a quarter of the machine's, whatever that is.
  "frames of a megabyte that are never ended": { args: ["--memory-mb", "128"] },
  "tokens that are no good": { tokens: await makeTokens(folder) },
}

const outcomes: Promise<Outcome>[] = []
afterAll(async () => {
  rmSync(folder, { recursive: true })
  const all = await Promise.all(outcomes)
  if (process.env["ATTACKS"] === "write") writeTable(all)
  else console.log(all.map(summaryOf).join("\n"))
})

for (const kind of ATTACKS) {
  test(`${kind}: the honest get all that is theirs, in time`, async () => {
    const outcome = (await attack(kind, NEEDS[kind]))()
    outcomes.push(outcome)
    if (!IS_LONG) check(await outcome)
  })
}

// A node rests while the next one is attacked.
test.if(IS_LONG)("memory is given back, and every row of the table holds", async () => {
  for (const outcome of outcomes) {
    const { attack, rss } = check(await outcome)
    expect({ attack, isBack: rss.after < rss.before * BACK_TIMES }).toEqual({ attack, isBack: true })
  }
})

/** Holds an outcome against what is promised. */
function check(outcome: Outcome): Outcome {
  const { attack, done, wrong, p99, lagMs, waited, cpu, rss, complaints } = outcome
  const ownWork = waited < WAITED_PART && cpu < WHOLE_CPU
  const misses = [
    done === 0 && "nothing was done",
    wrong.length > 0 && wrong,
    ownWork && p99 > MOST_MS && `${p99} ms for 99 of 100`,
    ownWork && lagMs > MOST_MS && `the event loop lags by up to ${lagMs} ms`,
    rss.most > MOST_MB && `${rss.most} MB`,
    complaints,
  ]
  expect([attack, ...misses.filter(Boolean)]).toEqual([attack])
  return outcome
}
