// Frames no good client sends, one kind at a time: each gets its answer, and nobody else notices.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { BAD_BYTES, BAD_TEXTS } from "../helpers/bad-frames.ts"
import { TestClient } from "../helpers/client.ts"
import { startNode, type TestNode } from "../helpers/node.ts"
import { frame, handshake, OPCODE, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { WellBehaved } from "../helpers/well-behaved.ts"

let node: TestNode
let others: WellBehaved
beforeAll(async () => {
  node = await startNode()
  others = await WellBehaved.meet(node.url)
})
afterAll(async () => {
  await others.expectAllHeard()
  expect(node.complaints()).toBe("")
  await node[Symbol.asyncDispose]()
})

describe("a text that cannot be served is answered with an error event", () => {
  for (const { what, text, id, message, ref } of BAD_TEXTS) {
    test(`${what}: ${id}`, async () => {
      await using client = await TestClient.connect(node.url)
      others.talk(1)
      client.send(text)
      const answer = await client.next()
      expect(answer).toEqual({
        event: "error",
        id,
        message: message ?? expect.any(String),
        description: answer["message"],
        ...(ref === undefined ? {} : { ref }),
      })
      expect(await client.drain()).toEqual([])
    })
  }
})

describe("bytes that break the framing end the connection", () => {
  for (const { what, bytes, code } of BAD_BYTES) {
    test(`${what}: ${code}`, async () => {
      using raw = await RawSocket.open(node.port)
      others.talk(1)
      raw.write(bytes)
      expect(await raw.closed).toBe(code)
    })
  }

  test("the room hears that its member is gone, whatever ended it", async () => {
    await using witness = await TestClient.connect(node.url)
    await witness.join("witness")
    for (const { bytes } of BAD_BYTES) {
      using raw = await RawSocket.open(node.port)
      raw.write(textFrame({ event: "join_room", room_id: "witness" }))
      const joined = await raw.nextEvent()
      raw.write(bytes)
      expect(await witness.next()).toEqual({ event: "new_peer", peer_id: joined["own_id"], status: {} })
      expect(await witness.next()).toEqual({ event: "peer_left", sender_id: joined["own_id"] })
    }
  })
})

describe("an event that is said twice is relayed once, as the last one, which JSON.parse takes", () => {
  const DOUBLED = [
    ['{"event":"peer_left","event":"message"}', '{"event":"message"'],
    ['{"event":"peer_left","event":"message","x":1}', '{"event":"message","x":1'],
    ['{"event":"peer_left","list":[1],"event":"message"}', '{"event":"message","list":[1]'],
    ['{"event":"offer","event":"message","list":[1]}', '{"event":"message","list":[1]'],
    ['{"\\u0065vent":"peer_left","event":"message"}', '{"event":"message"'],
    ['{"event":"peer_left","\\u0065vent":"message","list":[1]}', '{"event":"message","list":[1]'],
  ] as const

  for (const [data, relayed] of DOUBLED) {
    test(data, async () => {
      const [sender, receiver] = [await RawSocket.open(node.port), await RawSocket.open(node.port)]
      using _sender = sender
      using _receiver = receiver
      const room = crypto.randomUUID()
      const ids: unknown[] = []
      for (const raw of [sender, receiver]) {
        raw.write(textFrame({ event: "join_room", room_id: room }))
        ids.push((await raw.nextEvent())["own_id"])
      }
      sender.write(textFrame(`{"event":"send_to_peer","peer_id":"${ids[1]}","data":${data}}`))
      const { opcode, payload } = await receiver.nextFrame()
      expect([opcode, payload.toString()]).toEqual([OPCODE.text, `${relayed},"sender_id":"${ids[0]}"}`])
    })
  }

  test("and is refused when the last one may not be relayed", async () => {
    await using first = await TestClient.connect(node.url)
    await using second = await TestClient.connect(node.url)
    await first.join("doubled")
    await second.join("doubled")
    for (const rest of ["", ',"list":[1]']) {
      const data = `{"event":"message","event":"peer_left"${rest}}`
      second.send(`{"event":"send_to_peer","peer_id":"${first.ownId}","data":${data}}`)
      expect((await second.next())["id"]).toBe("event_not_allowed")
    }
    expect((await first.drain()).map(({ event }) => event)).toEqual(["new_peer"])
  })
})

describe("what is unusual, but right, is served", () => {
  test("a frame of exactly the limit", async () => {
    using raw = await RawSocket.open(node.port)
    const ping = JSON.stringify({ event: "ping", padding: "" })
    raw.write(textFrame({ event: "ping", padding: "x".repeat(65_536 - ping.length) }))
    expect(await raw.nextEvent()).toEqual({ event: "pong" })
  })

  test("a message in pieces, with a ping in between", async () => {
    using raw = await RawSocket.open(node.port)
    raw.write(frame(OPCODE.text, '{"event":', { isFinal: false }))
    raw.write(frame(OPCODE.ping, "are you there"))
    raw.write(frame(OPCODE.continuation, '"pi', { isFinal: false }))
    raw.write(frame(OPCODE.continuation, 'ng"}'))
    const pong = await raw.nextFrame()
    expect([pong.opcode, pong.payload.toString()]).toEqual([OPCODE.pong, "are you there"])
    expect(await raw.nextEvent()).toEqual({ event: "pong" })
  })

  test("a frame that comes byte by byte", async () => {
    using raw = await RawSocket.open(node.port)
    for (const byte of textFrame({ event: "ping", ref: "slow" })) raw.write(new Uint8Array([byte]))
    expect(await raw.nextEvent()).toEqual({ event: "pong", ref: "slow" })
  })

  test("a pong nobody asked for", async () => {
    using raw = await RawSocket.open(node.port)
    raw.write(Buffer.concat([frame(OPCODE.pong, "x"), textFrame({ event: "ping" })]))
    expect(await raw.nextEvent()).toEqual({ event: "pong" })
  })

  test("a close is answered with a close", async () => {
    using raw = await RawSocket.open(node.port)
    raw.write(frame(OPCODE.close, new Uint8Array([0x03, 0xe8])))
    expect(await raw.closed).toBe(1000)
  })

  test("messages in the same packet as the handshake", async () => {
    await using witness = await TestClient.connect(node.url)
    await witness.join("eager")

    using raw = await RawSocket.connect(
      node.port,
      Buffer.concat([Buffer.from(handshake()), textFrame({ event: "join_room", room_id: "eager" })]),
    )
    const joined = await raw.nextEvent()
    expect(joined["peers"]).toEqual([{ peer_id: witness.ownId, status: {} }])
  })
})
