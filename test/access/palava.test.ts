// Tokens of palava clients, on one node and over two: each way in, each claim, each attack.

import { describe, expect, test } from "bun:test"
import { overNodes } from "../dialects/over-nodes.ts"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"
import { badTokens, inSeconds, SECRET, sign } from "./tokens.ts"

const REFUSED: WireEvent = {
  event: "error",
  id: "unauthorized",
  message: "not authorized",
  description: "not authorized",
}
const CLOSED = { code: 4501, reason: "not authorized" }

const bad = await badTokens()

overNodes(["--auth-secret", SECRET], (nodes) => {
  async function joinWith(token: unknown, room = "tea", status = {}, at = 0): Promise<[TestClient, WireEvent]> {
    const client = await TestClient.connect(nodes.at(at).url)
    client.send({ event: "join_room", room_id: room, status, token })
    const answer = await client.nextWhere(({ event }) => event === "joined_room" || event === "error", "an answer")
    client.ownId = String(answer["own_id"])
    return [client, answer]
  }

  /** The answer to a join without a token of its own. */
  async function joinBy(url: string, protocols: string[] = [], room = "tea"): Promise<[TestClient, WireEvent]> {
    const client = await TestClient.connect(url, { protocols })
    return [client, await client.join(room)]
  }

  describe("a client gets in", () => {
    test("by a token in join_room, by a sub-protocol, and by the query", async () => {
      const token = await sign({ room: "tea" })
      const [byField] = await joinWith(token)
      const [byProtocol] = await joinBy(nodes.at(1).url, ["palava.1.0", `token.${token}`])
      const [byQuery] = await joinBy(`${nodes.at(0).url}?token=${token}`)
      const [last, joined] = await joinBy(`${nodes.at(1).url}?access_token=${token}`)
      expect(joined["peers"]).toEqual([byField, byProtocol, byQuery].map((one) => ({ peer_id: one.ownId, status: {} })))
      expect([byProtocol.protocol, byQuery.protocol]).toEqual(["palava.1.0", ""])
      for (const client of [byField, byProtocol, byQuery, last]) await client.close()
    })

    test("into the rooms the token names, and into no other", async () => {
      const token = await sign({ room: ["one", "two-*"] })
      for (const room of ["one", "two-", "two-b"]) expect((await joinWith(token, room))[1].event).toBe("joined_room")
      for (const room of ["One", "one ", "two", "*", "two*"]) expect((await joinWith(token, room))[1]).toEqual(REFUSED)
      expect((await joinWith(await sign({ room: "*" }), "anything"))[1].event).toBe("joined_room")
    })

    test("also when its clock is a little ahead, and when it says for whom it is", async () => {
      for (const more of [{ nbf: inSeconds(5) }, { aud: "palava-machine" }, { aud: ["x", "palava-machine"] }]) {
        expect((await joinWith(await sign({ room: "ahead", ...more }), "ahead"))[1].event).toBe("joined_room")
      }
    })
  })

  describe("a client without a good token", () => {
    test("gets nowhere, is told why, and may try again", async () => {
      const client = await TestClient.connect(nodes.at(0).url)
      expect(await client.join("tea")).toEqual(REFUSED)
      client.send({ event: "send_to_peer", peer_id: "x", data: { event: "message" } })
      client.send({ event: "update_status", status: {} })
      client.send({ event: "info" })
      expect((await client.drain()).map(({ id, event, ice_servers }) => [id ?? event, ice_servers])).toEqual([
        ["not_in_room", undefined],
        ["not_in_room", undefined],
        ["info", undefined],
      ])
      client.send({ event: "join_room", room_id: "tea", token: await sign({ room: "tea" }) })
      expect((await client.next()).event).toBe("joined_room")
      await client.close()
    })

    for (const [what, token] of Object.entries(bad)) {
      test(`but one ${what}`, async () => {
        expect((await joinWith(token))[1]).toEqual(REFUSED)
        // Good for its signature, it opens the connection; the room is another matter.
        const isGood = what.startsWith("of another room") || what.startsWith("of another prefix")
        for (const client of [
          await TestClient.connect(`${nodes.at(0).url}?access_token=${token}`),
          await TestClient.connect(nodes.at(1).url, { protocols: ["palava.1.0", `token.${token}`] }),
        ]) {
          if (isGood) expect(await client.join("tea")).toEqual(REFUSED)
          else expect(await client.closed).toEqual(CLOSED)
        }
      })
    }

    test("but what is none", async () => {
      for (const token of [1, true, [], {}, ["x"]]) expect((await joinWith(token))[1]).toEqual(REFUSED)
    })

    test("but one of a megabyte", async () => {
      const client = await TestClient.connect(nodes.at(0).url)
      client.send({ event: "join_room", room_id: "tea", token: "x".repeat(1_048_576) })
      expect((await client.closed).code).toBe(1009)
      const long = TestClient.connect(`${nodes.at(0).url}?access_token=${"x".repeat(1_048_576)}`)
      expect(await long.catch((error: Error) => error.message.slice(0, 14))).toBe("cannot connect")
    })

    test("but a token of its own beside a good one of its connection", async () => {
      const url = `${nodes.at(0).url}?access_token=${await sign({ room: "*" })}`
      const client = await TestClient.connect(url)
      client.send({ event: "join_room", room_id: "tea", token: bad["of another room"] })
      expect(await client.next()).toEqual(REFUSED)
      await client.close()
    })
  })

  test("name: it is called so, whatever it says, also later", async () => {
    const [guest] = await joinWith(await sign({ room: "names" }), "names")
    const [ada, joined] = await joinWith(await sign({ room: "names", name: "Ada" }), "names", { name: "Eve", x: 1 }, 1)
    expect(joined.event).toBe("joined_room")
    expect((await guest.next("new_peer"))["status"]).toEqual({ name: "Ada", x: 1 })
    for (const status of [{ name: "Eve", y: 2 }, { name: null }]) {
      ada.send({ event: "update_status", status })
      expect((await guest.next("peer_updated_status"))["status"]).toEqual({ name: "Ada", x: 1, y: 2 })
    }
    for (const client of [ada, guest]) await client.close()
  })

  test("peers: no more than it says, and never more than the server", async () => {
    const token = await sign({ room: "small", peers: 2 })
    const [one] = await joinWith(token, "small")
    const [two] = await joinWith(token, "small", {}, 1)
    expect((await joinWith(token, "small"))[1]["id"]).toBe("room_full")
    const [three, joined] = await joinWith(await sign({ room: "small", peers: 1_000_000 }), "small")
    expect(joined.event).toBe("joined_room")
    for (const client of [one, two, three]) await client.close()
  })

  test("can: who may not send is told, however it is written; who may not change its status, too", async () => {
    const [other] = await joinWith(await sign({ room: "rights" }), "rights")
    const [mute] = await joinWith(await sign({ room: "rights", can: ["status"] }), "rights", {}, 1)
    const [plain] = await joinWith(await sign({ room: "rights", can: ["send"] }), "rights")
    await other.next("new_peer")
    await other.next("new_peer")
    const data = { event: "message", text: "x" }
    mute.send(`{"event":"send_to_peer","peer_id":"${other.ownId}","data":{"event":"offer","sdp":"v=0"}}`)
    mute.send({ peer_id: other.ownId, data, event: "send_to_peer", ref: 7 })
    await plain.drain()
    mute.send({ event: "update_status", status: { a: 1 } })
    expect(await mute.next("error")).toEqual(REFUSED)
    expect(await mute.next("error")).toEqual({ ...REFUSED, ref: 7 })
    expect((await other.next())["status"]).toEqual({ a: 1 })
    plain.send({ event: "update_status", status: { a: 1 } })
    plain.send({ event: "send_to_peer", peer_id: other.ownId, data })
    expect(await plain.next("error")).toEqual(REFUSED)
    expect(await other.next()).toEqual({ ...data, sender_id: plain.ownId })
    for (const client of [other, mute, plain]) await client.close()
  })

  test("exp: who is in when its time is over is told, and out; the others see it leave", async () => {
    const [other] = await joinWith(await sign({ room: "short" }), "short")
    // 10 s of tolerance, of which 4 are left.
    const [brief, joined] = await joinWith(await sign({ room: "short", exp: inSeconds(-6) }), "short", {}, 1)
    expect(joined.event).toBe("joined_room")
    expect(await brief.next("error")).toEqual(REFUSED)
    expect(await brief.closed).toEqual(CLOSED)
    await other.next("new_peer")
    expect(await other.next()).toEqual({ event: "peer_left", sender_id: brief.ownId })
    await other.close()
  })

  test("exp: a connection that outlives its token gets into no room any more", async () => {
    const token = await sign({ room: "*", exp: inSeconds(-6) })
    const [timer] = await joinWith(token, "timer")
    const idle = await TestClient.connect(`${nodes.at(1).url}?access_token=${token}`)
    await timer.closed
    expect(await idle.join("late")).toEqual(REFUSED)
    await idle.close()
  })
})

test("operators are told why, and clients are not", async () => {
  const reasons: Record<string, readonly string[]> = {
    room: ["of another room", "of another prefix"],
    expired: ["expired"],
    early: ["not yet good"],
    signature: ["of another secret", "of an empty secret", "changed", "without a signature"],
    algorithm: ["of no algorithm", "of another algorithm", "of a key it brings"],
    audience: ["for somebody else"],
    malformed: ["no token", "empty", "not JSON", "without an end", "without a room", "longer than 8 KiB"],
  }
  await using node = await startNode(["--auth-secret", SECRET, "--log-level", "debug"])
  await using client = await TestClient.connect(node.url)
  expect(await client.join("tea")).toEqual(REFUSED)
  expect(await node.metric("palava_tokens_refused_total", 'reason="none"')).toBe(1)
  for (const [reason, kinds] of Object.entries(reasons)) {
    for (const kind of kinds) {
      client.send({ event: "join_room", room_id: "tea", token: bad[kind] })
      expect([kind, await client.next()]).toEqual([kind, REFUSED])
    }
    const counted = await node.metric("palava_tokens_refused_total", `reason="${reason}"`)
    expect([reason, counted]).toEqual([reason, kinds.length])
    expect(node.log()).toContain(`"reason":"${reason}"`)
  }
  for (const kind of ["expired", "of another secret"]) expect(node.log()).not.toContain(bad[kind] as string)
})
