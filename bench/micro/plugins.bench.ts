// What the plug-in layer costs a relayed message: without plug-ins, with the built-in ones, with one and with three that
// observe every relay. The rooms take turns, so what slows the machine down for a while slows them alike.

import type { Hooks } from "../../src/dialects/hooks.ts"
import type { Plugin } from "../../src/plugins/contract.ts"
import { definePlugin } from "../../src/plugins/define.ts"
import { PluginHost } from "../../src/plugins/host.ts"
import { icePlugin } from "../../src/plugins/ice.ts"
import { infoPlugin } from "../../src/plugins/info.ts"
import { statsPlugin } from "../../src/plugins/stats.ts"
import { MemoryHours } from "../../src/stats/memory-hours.ts"
import { candidateData } from "../load/payloads.ts"
import { copiesOf, measure, type Timing } from "./harness.ts"
import { openRoom } from "./room.ts"

const silent = { error() {}, warn() {}, info() {}, debug() {} }

/** Turns of all rooms; of each room the quickest counts. */
const TURNS = 3

function hooksOf(...plugins: Plugin<never, never>[]): Hooks {
  const loaded = plugins.map((plugin) => ({ plugin: plugin as unknown as Plugin, options: undefined }))
  return new PluginHost(loaded, silent, "0", []).hooks
}

function observer(name: string): Plugin<never, never> {
  let characters = 0
  return definePlugin({
    name,
    contract: 1,
    setup: () => ({
      observe: {
        relayed(_from, _to, length) {
          characters += length
        },
      },
      metrics: { characters_total: { help: "Characters relayed.", read: () => characters } },
    }),
  }) as unknown as Plugin<never, never>
}

/** Runs these micro benches. */
export async function pluginsBench(): Promise<Timing[]> {
  const hours = new MemoryHours(30)
  const page = () => new Response()
  const ice = { urls: ["stun:stun.example.org:3478"], turnSecret: "", turnTtlSeconds: 60 }
  const builtIn = [
    icePlugin(ice),
    infoPlugin(ice),
    statsPlugin({ hours, days: 30, exportTo: "", page }),
  ] as unknown as Plugin<never, never>[]
  const rooms = await Promise.all(
    (
      [
        ["no plug-ins", {}],
        ["the built-in ones", hooksOf(...builtIn)],
        ["one that observes relays", hooksOf(...builtIn, observer("one"))],
        ["three that do", hooksOf(...builtIn, observer("one"), observer("two"), observer("three"))],
      ] as const
    ).map(async ([name, hooks]) => {
      const { sender, receiverId, published } = await openRoom(hooks)
      const frames = copiesOf(JSON.stringify({ event: "send_to_peer", peer_id: receiverId, data: candidateData() }))
      const relay = (turn: number) => {
        sender.onMessage(frames[turn % frames.length] as string)
        return published.text.charCodeAt(9)
      }
      return { name, relay, timings: [] as Timing[] }
    }),
  )
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { name, relay, timings } of rooms) timings.push(measure(`relay, ${name}`, relay))
  }
  return rooms.map(({ timings }) => timings.reduce((best, timing) => (timing.best < best.best ? timing : best)))
}
