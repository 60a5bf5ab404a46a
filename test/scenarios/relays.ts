// Messages between peers: whole, in order, once, and only to those they are for.

import { expect, test } from "bun:test"
import type { TestClient, WireEvent } from "../helpers/client.ts"
import { type Cluster, leave, settle, viewOf } from "./cluster.ts"

/** 60 to each of the others, all at once. */
const MESSAGES = 60

/** 20 KB of text that takes two to four bytes a character, as a session description never does. */
const LARGE = "žš語🎥".repeat(1_600)

/** Scenarios of relaying. */
export function relays(cluster: () => Cluster): void {
  test("everybody writes to everybody at once: all arrives, in order and once", async () => {
    const members = await cluster().meet("chatter", 6)
    const numbers = Array.from({ length: MESSAGES }, (_, number) => number)
    for (const number of numbers) {
      for (const from of members) for (const to of members) write(from, to, { event: "message", number })
    }
    await settle(members)
    const everybody = Object.fromEntries(members.map(({ ownId }) => [ownId, numbers]))
    for (const client of members) expect(Object.fromEntries(viewOf(client).stays[0]?.heard ?? [])).toEqual(everybody)
  })

  test("offer, answer, candidates and messages arrive as they were sent, with the true sender", async () => {
    const [caller, called] = await cluster().meet("call", 2)
    if (caller === undefined || called === undefined) throw new Error("nobody there")
    const call = [
      { event: "offer", sdp: { type: "offer", sdp: "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n" } },
      { event: "ice_candidate", candidate: "candidate:1 1 udp 2 192.0.2.1 9 typ host", sdpmid: "0", sdpmlineindex: 0 },
      { event: "message", number: 1, sender_id: called.ownId, deep: [{ a: [null, true, 1.5e-7] }] },
      { event: "message", number: 2, text: LARGE },
      { event: "ice_candidate", candidate: "", sdpmid: null, sdpmlineindex: 1 },
      { event: "message", number: 3, text: '"sender_id":"' },
    ]
    for (const data of call) write(caller, called, data)
    write(called, caller, { event: "answer", sdp: { type: "answer", sdp: "v=0\r\n" } })
    const heard: WireEvent[] = []
    while (heard.length < call.length) heard.push(await called.next())
    expect(heard).toEqual(call.map((data) => ({ ...data, sender_id: caller.ownId })))
    const answer = { event: "answer", sdp: { type: "answer", sdp: "v=0\r\n" }, sender_id: called.ownId }
    expect(await caller.next("answer")).toEqual(answer)
  })

  test("a peer of another room, one who has left and one who never was are the same: unknown", async () => {
    const [writer, leaver, witness] = await cluster().meet("strangers", 3)
    const [stranger] = await cluster().meet("their own", 1)
    if (writer === undefined || leaver === undefined || witness === undefined) throw new Error("nobody there")
    await leave(leaver)
    await writer.next("peer_left")
    for (const peer of [stranger?.ownId, leaver.ownId, crypto.randomUUID(), "nobody", ""]) {
      writer.send({ event: "send_to_peer", peer_id: peer, data: { event: "message", number: 1 }, ref: "who" })
      const answer = await writer.next()
      expect(answer).toMatchObject({ event: "error", id: "unknown_peer", ref: "who" })
    }
    await settle([writer, witness])
    expect(await leaver.drain()).toEqual([])
    expect(await stranger?.drain()).toEqual([])
  })

  test("a message to oneself arrives", async () => {
    const [alone] = await cluster().meet("mirror", 1)
    if (alone === undefined) throw new Error("nobody there")
    write(alone, alone, { event: "message", number: 1 })
    expect(await alone.next("message")).toEqual({ event: "message", number: 1, sender_id: alone.ownId })
  })
}

function write(from: TestClient, to: TestClient, data: object): void {
  from.send({ event: "send_to_peer", peer_id: to.ownId, data })
}
