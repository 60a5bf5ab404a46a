// What plug-ins are asked and told of PeerJS clients, on a node without a network.

import { expect, test } from "bun:test"
import type { Hooks } from "../../src/dialects/hooks.ts"
import { makePeerJs } from "../../src/dialects/peerjs/peerjs.ts"
import { PlainNode, settle } from "../helpers/plain-node.ts"

function start(hooks: Hooks): Promise<PlainNode> {
  return PlainNode.start(undefined, { hooks, dialects: (parts) => [makePeerJs(parts, "peerjs", false)] })
}

async function connect(node: PlainNode, id: string, token = "t") {
  const client = node.connect(`ws://plain/peerjs?key=peerjs&id=${id}&token=${token}&version=1.5.5`)
  for (let turn = 0; turn < 5; turn++) await settle()
  return client
}

test("join: a plug-in sees id and token, and its refusal is told in its words", async () => {
  const asked: unknown[] = []
  const node = await start({
    join(_conversation, { roomId, status, fields }) {
      asked.push({ roomId, status, fields })
      if (roomId === "bug") return { error: "internal" }
      return fields["token"] === "good" ? undefined : { id: "unauthorized", message: "no such token" }
    },
  })
  const bad = await connect(node, "bad")
  expect(bad.all as object[]).toEqual([{ type: "ERROR", payload: { msg: "no such token" } }])
  expect(bad.closed?.code).toBe(1000)
  const broken = await connect(node, "bug")
  expect(broken.all as object[]).toEqual([{ type: "ERROR", payload: { msg: "Internal error" } }])
  expect(broken.closed?.code).toBe(1011)
  const good = await connect(node, "good", "good")
  expect(good.all as object[]).toEqual([{ type: "OPEN" }])
  const fields = { key: "peerjs", id: "good", token: "good", version: "1.5.5" }
  expect(asked.at(-1)).toEqual({ roomId: "good", status: {}, fields })
  await node.close()
})

test("observe: who joins, passes on, is refused and leaves; the token is in no status", async () => {
  const seen: unknown[] = []
  const note =
    (name: string) =>
    (...values: unknown[]): void => {
      seen.push([name, values[0]])
    }
  const node = await start({
    observer: { joined: note("joined"), left: note("left"), relayed: note("relayed"), refused: note("refused") },
  })
  const ada = await connect(node, "ada", "north wind")
  const ben = await connect(node, "ben")
  const ids = [ada, ben].map(({ id }) => id)
  ada.send({ type: "OFFER", payload: { a: 1 }, dst: "ben" })
  ada.send("nonsense")
  ben.close()
  await settle()
  expect(seen).toEqual([
    ["joined", ids[0]],
    ["joined", ids[1]],
    ["relayed", ids[0]],
    ["refused", ids[0]],
    ["left", ids[1]],
  ])
  expect(ben.all as object[]).toEqual([{ type: "OPEN" }, { type: "OFFER", src: "ada", dst: "ben", payload: { a: 1 } }])
  const statuses = [...node.rooms.registry.values()].flatMap(({ members }) => [...members.values()])
  expect(statuses.map(({ status }) => status)).toEqual([expect.stringMatching(/^\{"token":"[0-9a-f]{64}"\}$/)])
  await node.close()
})
