// What TLS costs: the scenarios of relays, visits and memory over wss, and the handshake by itself.

import type { Contender, Effort, Scenario } from "./scenarios.ts"
import type { Launch } from "./servers/servers.ts"

/** Of the scenarios over wss these are always run; the others by name (BENCH=tls). */
const ALWAYS = ["relay-300", "idle"]

/** Scenarios that TLS adds nothing to, or whose contenders know no TLS. */
const WITHOUT = /^(relay-(peerjs|y-webrtc|budgets|trace))/

/** The same scenarios over TLS 1.3, for those contenders that can. */
export function overTls(scenarios: readonly Scenario[], withoutTls: ReadonlySet<Launch>): Scenario[] {
  return scenarios
    .filter(({ name }) => !WITHOUT.test(name))
    .map((scenario) => ({
      ...scenario,
      name: `tls-${scenario.name}`,
      title: `Over TLS: ${scenario.title}`,
      contenders: scenario.contenders.filter(({ launch }) => !withoutTls.has(launch)),
      certificate: "ecdsa" as const,
      byName: !ALWAYS.includes(scenario.name),
    }))
}

/** Handshakes in full with either kind of key, with a ticket, and without TLS. */
export function handshakeScenario(effort: Effort, contenders: readonly Contender[]): Scenario {
  const ways = [
    { way: "ws", load: {} },
    { way: "in full, ECDSA", certificate: "ecdsa" as const },
    { way: "in full, RSA", certificate: "rsa" as const },
    { way: "with a ticket", certificate: "ecdsa" as const, load: { resumesTls: true } },
  ]
  return {
    name: "tls-handshake",
    title: "Over TLS: Connect, open the WebSocket, end",
    operation: "connection",
    contenders: (effort.isQuick ? ways.slice(1) : ways).flatMap(({ way, ...more }) =>
      contenders.map((contender) => ({ ...contender, ...more, name: `${contender.name}, ${way}` })),
    ),
    load: { scenario: "handshake", rooms: 16 },
    rounds: 3,
  }
}
