// A request that waits for a plug-in when the server stops: answered in time, its answer is there after the restart; else no
// number says whether it was taken, and the client is told so. The plug-in has what it had of each client by its hook.

import { expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode } from "../helpers/node.ts"
import { Member } from "./member.ts"

const PLUGIN = `
import { definePlugin, onEvent, v } from "palava-machine"
export default definePlugin({
  name: "slow",
  contract: 1,
  timeoutSeconds: 30,
  setup: () => ({
    connect: () => ({ isKnown: true }),
    events: {
      wait: onEvent(v.object({ ms: v.number() }), async ({ fields, reply, connection }) => {
        await Bun.sleep(fields.ms)
        reply("waited", { isKnown: connection.data.isKnown, members: connection.room?.members.length })
      }),
    },
  }),
})
`

test("a request that waits when the server stops", async () => {
  const folder = mkdtempSync(join(tmpdir(), "palava-pending-"))
  try {
    const plugin = join(folder, "slow.ts")
    writeFileSync(plugin, PLUGIN)
    const args = ["--state-file", join(folder, "state"), "--shutdown-seconds", "0", "--plugin", plugin]
    const first = await startNode(args)
    const ada = await Member.join(first.port)
    const bob = await Member.join(first.port)
    await ada.next("new_peer")
    for (const member of [ada, bob]) await member.drain()
    ada.say({ event: "wait", ms: 50, ref: "soon" })
    bob.say({ event: "wait", ms: 20_000, ref: "late" })
    while ((await first.metric("palava_messages_total", 'event="wait"')) < 2);
    first.kill("SIGTERM")
    for (const member of [ada, bob]) {
      expect(await member.socket.closed).toBe(1001)
      member.cut()
    }
    expect(await first.exited).toBe(0)
    expect(first.complaints()).toBe("")
    await using second = await startNode(args)
    expect(await ada.resume(second.port)).toMatchObject({ complete: true })
    await ada.drain()
    expect(ada.heard.filter(({ event }) => event === "waited")).toMatchObject([{ ref: "soon" }])
    expect(await bob.resume(second.port)).toMatchObject({ complete: false, peers: [{ peer_id: ada.id }] })
    ada.say({ event: "wait", ms: 0 })
    expect(await ada.next("waited")).toEqual({ event: "waited", isKnown: true, members: 2 })
    expect(second.complaints()).toBe("")
  } finally {
    rmSync(folder, { recursive: true })
  }
})
