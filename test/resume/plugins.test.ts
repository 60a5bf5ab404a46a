// What plug-ins see of a client that comes back: the same connection object, with their data, found by the same peer id.

import { expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startNode } from "../helpers/node.ts"
import { Member } from "./member.ts"

const PLUGIN = `
import { definePlugin, onEvent, v } from "palava-machine"
let first
export default definePlugin({
  name: "finder",
  contract: 1,
  setup: (server) => ({
    connect: () => ({ number: Math.random() }),
    join: ({ connection }) => { first ??= connection },
    events: {
      find: onEvent(v.object({ peer: v.string() }), ({ fields, reply }) => {
        const found = server.connection(fields.peer)
        found?.send("found_you")
        reply("found", {
          isFound: found !== undefined,
          isFirst: found === first,
          peer: first.peer,
          isOpen: first.isOpen,
          hasData: first.data.number > 0,
          members: first.room?.members.length,
        })
      }),
    },
  }),
})
`

test("the same object, found by its peer id while it is connected", async () => {
  const folder = await mkdtemp(join(tmpdir(), "palava-resume-"))
  const file = join(folder, "finder.ts")
  await writeFile(file, PLUGIN)
  try {
    await using node = await startNode(["--plugin", file])
    const ada = await Member.join(node.port)
    const bob = await Member.join(node.port)
    await ada.next("new_peer")
    const found = async () => {
      bob.say({ event: "find", peer: ada.id })
      const { event, ...fields } = await bob.next("found")
      return fields
    }
    const open = { isFound: true, isFirst: true, peer: ada.id, isOpen: true, hasData: true, members: 2 }
    expect(await found()).toEqual(open)
    await ada.resume()
    expect(await found()).toEqual(open)
    ada.cut()
    while (await found().then(({ isOpen }) => isOpen));
    expect(await found()).toEqual({ ...open, isFound: false, isFirst: false, isOpen: false })
    await ada.resume()
    expect(await found()).toEqual(open)
    await ada.drain()
    expect(ada.heard.filter(({ event }) => event === "found_you").length).toBeGreaterThanOrEqual(3)
  } finally {
    await rm(folder, { recursive: true })
  }
})
