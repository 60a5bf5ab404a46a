// What the machine itself has to give: ports, open files, the right time.

import { createServer } from "node:net"
import { localHost } from "../access/hosts.ts"
import { openFileLimit } from "../open-file-limit.ts"
import { type Finding, reasonOf, withDeadline } from "./finding.ts"

/** What it depends on. */
interface MachineConfig {
  readonly port: number
  readonly host: string
  readonly tlsCert: readonly string[]
  readonly maxConnections: number
}

/** Who answers on the browsers' port. */
export type Listening = "us" | "others" | "nobody"

/** Open files below which a few crowded rooms are the end: Debian's default for services. */
const FEW_FILES = 8192

/** Kept back from connections: Redis, listeners, scrapes, and what the run time has open. */
const OWN_FILES = 64

/** Milliseconds: TURN credentials and tokens are refused by a server whose clock differs by more. */
const CLOCK_OFF_MS = 30_000

/** From here on somebody should look at it. */
const CLOCK_ODD_MS = 2000

/** Whether the browsers' port can be had, or is ours already. */
export async function checkPort(config: MachineConfig): Promise<{ finding: Finding; listening: Listening }> {
  const { port, host } = config
  const what = `port ${port}`
  if (port === 0)
    return { listening: "nobody", finding: { verdict: "skipped", what, result: "a free one is taken at start" } }
  const answer = await fetchHealth(config)
  if (answer === "ok\n")
    return { listening: "us", finding: { verdict: "ok", what, result: "the server runs and is healthy" } }
  try {
    await tryToListen(port, host)
    const advice = "systemctl start palava-machine, if it is to run on this machine"
    return { listening: "nobody", finding: { verdict: "odd", what, result: "free: no server runs here", advice } }
  } catch (cause) {
    const { code } = cause as { code?: string }
    const [result, advice] =
      code === "EACCES"
        ? [
            "ports below 1024 need a privilege",
            "use the unit, which has it, or AmbientCapabilities=CAP_NET_BIND_SERVICE",
          ]
        : code === "EADDRINUSE"
          ? ["taken by something else", `\`ss -ltnp 'sport = :${port}'\` says what; give another --port`]
          : [reasonOf(cause), `is ${host} an address of this machine?`]
    return { listening: code === "EADDRINUSE" ? "others" : "nobody", finding: { verdict: "bad", what, result, advice } }
  }
}

/** The text of /healthz on this machine; undefined when nobody answers. */
async function fetchHealth({ port, host, tlsCert }: MachineConfig): Promise<string | undefined> {
  const scheme = tlsCert.length === 0 ? "http" : "https"
  const url = `${scheme}://${localHost(host)}:${port}/healthz`
  // Its name is looked at elsewhere: here it is called by an address.
  const options = { tls: { rejectUnauthorized: false } }
  try {
    return await withDeadline(fetch(url, options).then((answer) => answer.text()))
  } catch {
    return undefined
  }
}

function tryToListen(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(port, host, () => server.close(() => resolve()))
  })
}

/**
 * Whether enough files may be open: those of the server that runs, by its metrics, else those of this command.
 * @param metrics the text of /metrics; undefined when nobody answers
 */
export function checkFiles({ maxConnections }: MachineConfig, metrics: string | undefined): Finding {
  const [, told] = /^process_max_fds (\d+)$/m.exec(metrics ?? "") ?? []
  const limit = told === undefined ? openFileLimit() : Number(told)
  const whose = told === undefined ? "this command may have" : "the server may have"
  if (limit === undefined) return { verdict: "skipped", what: "open files", result: "the system does not tell" }
  const result = `${whose} ${limit === 0 ? "any number" : limit}`
  const what = "open files"
  const advice = "set LimitNOFILE=1048576 in the unit, or ulimit -n"
  if (limit === 0) return { verdict: "ok", what, result }
  if (maxConnections > limit - OWN_FILES) {
    return { verdict: "bad", what, result: `${result}, too few for --max-connections ${maxConnections}`, advice }
  }
  if (limit < FEW_FILES) return { verdict: "odd", what, result: `${result}: so many people at most`, advice }
  return { verdict: "ok", what, result }
}

/** Another clock, as it was when this machine's showed `seenAt` (both unix milliseconds), give or take `errorMs`. */
export interface OtherClock {
  readonly whose: string
  readonly at: number
  readonly seenAt: number
  readonly errorMs: number
}

/** This machine's time beside that of others. */
export function checkClock(others: readonly OtherClock[]): Finding[] {
  if (others.length === 0) {
    return [{ verdict: "skipped", what: "clock", result: "nobody to compare it with: give --redis or --url" }]
  }
  return others.map(({ whose, at, seenAt, errorMs }) => {
    const off = Math.max(0, Math.abs(seenAt - at) - errorMs)
    const result = `${(off / 1000).toFixed(1)} s ${seenAt > at ? "ahead of" : "behind"} ${whose}`
    const advice = "have both machines keep time: systemctl enable --now systemd-timesyncd"
    if (off < CLOCK_ODD_MS) return { verdict: "ok", what: "clock", result: `as that of ${whose}` }
    return { verdict: off < CLOCK_OFF_MS ? "odd" : "bad", what: "clock", result, advice }
  })
}
