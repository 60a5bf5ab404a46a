// Storms: everybody of a lost node comes back at once. Only by name, as each takes a minute or two.

import type { Effort, Scenario } from "./scenarios.ts"
import { forwarder, palava, palavaOnNodes, palavaWithState } from "./servers/servers.ts"

/** Names used in tables and targets. */
export const ACCEPTED = "bare forwarder, accepted"
export const JOINED = "palava-machine, joined anew"
export const RESUMED = "palava-machine, resumed"

/** The storms over ws and wss. */
export function stormScenarios(effort: Effort): Scenario[] {
  const others = [
    { name: JOINED, launch: palava() },
    { name: RESUMED, launch: palavaWithState(), load: { resumes: true } },
    { name: `${JOINED} at the other of 2 nodes`, launch: palavaOnNodes(2) },
  ]
  const contenders = [
    { name: ACCEPTED, launch: forwarder },
    ...(effort.isQuick ? [] : others),
    { name: `${RESUMED} at the other of 2 nodes`, launch: palavaOnNodes(2), load: { resumes: true } },
  ]
  const storm: Scenario = {
    name: "storm",
    title: `Storm, ${effort.stormClients} clients in rooms of 4`,
    operation: "client",
    contenders,
    load: { scenario: "storm", connections: effort.stormClients },
    isFresh: true,
    byName: true,
    rounds: 2,
  }
  return [storm, { ...storm, name: "storm-tls", title: `Over TLS: ${storm.title}`, certificate: "ecdsa", rounds: 1 }]
}
