// docs/asyncapi.yaml: valid, as the schemas make it, of one mind with the server's own checks, and true of what the
// executable and the client really send.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { Parser } from "@asyncapi/parser"
import Ajv from "ajv"
import * as v from "valibot"
import { parse } from "yaml"
import { type AsyncApi, writeDocument } from "../../scripts/asyncapi/document.ts"
import { CLIENT_EVENT_NAMES, CLIENT_MESSAGES, ERROR_IDS, SERVER_MESSAGES } from "../../scripts/asyncapi/wire.ts"
import type { ServerEvent } from "../../src/client/wire.ts"
import { type ClientEventName, checkFields, isRefusal } from "../../src/dialects/palava/client-events.ts"
import { refuseStatus } from "../../src/dialects/palava/status.ts"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { ClientMember } from "../helpers/client-member.ts"
import { startNode } from "../helpers/node.ts"
import { ResumingServer } from "../helpers/resuming-server.ts"

const ROOT = join(import.meta.dir, "../..")

let text: string
let ajv: Ajv
beforeAll(async () => {
  text = await Bun.file(join(ROOT, "docs/asyncapi.yaml")).text()
  ajv = new Ajv({ strict: false })
  const { components } = parse(text) as AsyncApi
  ajv.addSchema({ $id: "document", components })
})

/** What the document says against a frame; undefined when nothing. */
function complaintOf(side: "client" | "server", frame: { event: string }): string | undefined {
  const validate = ajv.getSchema(`document#/components/messages/${side}_${frame.event}/payload`)
  if (validate === undefined) return `the document has no ${side}_${frame.event}`
  return validate(frame) === true ? undefined : `${JSON.stringify(frame)}: ${ajv.errorsText(validate.errors)}`
}

test("it is what the script makes of the schemas", () => {
  expect(text).toBe(writeDocument())
})

test("the AsyncAPI parser has nothing against it", async () => {
  const { document, diagnostics } = await new Parser().parse(text)
  expect(diagnostics.filter(({ severity }) => severity <= 1)).toEqual([])
  expect(document?.version()).toBe("3.0.0")
  expect(document?.operations().all()).toHaveLength(CLIENT_EVENT_NAMES.length + 1)
})

test("it has every event and every error of docs/protocol.md, and of the code", async () => {
  const protocol = await Bun.file(join(ROOT, "docs/protocol.md")).text()
  const tableUnder = (heading: string): string[] => {
    const section = protocol.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? ""
    return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name)
  }
  expect(Object.keys(CLIENT_MESSAGES).sort()).toEqual(CLIENT_EVENT_NAMES.sort())
  expect(Object.keys(CLIENT_MESSAGES).sort()).toEqual(tableUnder("What a client may say").sort())
  const relayed = ["offer", "answer", "ice_candidate", "message"]
  expect(Object.keys(SERVER_MESSAGES).sort()).toEqual([...tableUnder("What a client may hear"), ...relayed].sort())
  expect([...ERROR_IDS].sort()).toEqual([...new Set(tableUnder("Errors"))].sort())
})

test("the client's types are those of the schemas", () => {
  type Schemas = { [Event in keyof typeof SERVER_MESSAGES]: v.InferOutput<(typeof SERVER_MESSAGES)[Event]["schema"]> }
  // Compiled: a field that is missing, or of another type, in one of the two is an error here.
  const understands = (said: Schemas["new_peer" | "peer_left" | "peer_updated_status" | "shutdown"]): ServerEvent =>
    said
  const describes = (said: Extract<ServerEvent, { event: "joined_room" | "info" | "pong" | "resumed" }>) =>
    said satisfies Omit<Schemas["joined_room"] | Schemas["info"] | Schemas["pong"] | Schemas["resumed"], symbol>
  for (const { schema } of Object.values(SERVER_MESSAGES)) expect(v.safeParse(schema, {}).success).toBe(false)
  expect([understands, describes]).toHaveLength(2)
})

describe("the server's checks and the document agree", () => {
  const STATUSES = [
    {},
    { name: "Ada" },
    { name: "" },
    { name: " \t\n" },
    { name: "🙂".repeat(50) },
    { name: "🙂".repeat(51) },
    { name: null },
    { name: 1 },
    { user_agent: "chrome" },
    { user_agent: "" },
    { user_agent: "x".repeat(51) },
    { user_agent: null },
    { user_agent: {} },
    { camera: true, deep: { er: [1] } },
    [],
    "text",
    1,
  ]
  const ROOMS = ["tea", "", "x".repeat(50), "x".repeat(51), "🙂".repeat(50), "🙂".repeat(51), 1, null, undefined, {}]
  const SENT: { event: ClientEventName; [field: string]: unknown }[] = [
    ...ROOMS.map((room_id) => ({ event: "join_room" as const, room_id })),
    { event: "leave_room" },
    { event: "ping" },
    { event: "leave_room", more: 1 },
  ]

  test.each(SENT)("%j", (frame) => {
    const { event, ...fields } = JSON.parse(JSON.stringify(frame))
    const refused = isRefusal(checkFields(event, { event, ref: undefined, fields }))
    expect(complaintOf("client", { event, ...fields }) === undefined).toBe(!refused)
  })

  test.each(STATUSES.map((status) => [status]))("status %j", (status) => {
    const complaint = complaintOf("client", { event: "update_status", status } as never)
    expect(complaint === undefined).toBe(refuseStatus(status) === undefined)
  })
})

describe("what is really sent", () => {
  const heard: WireEvent[] = []
  const said: { event: string }[] = []
  afterAll(() => {
    // Everything the document describes was seen, and nothing else.
    const events = (frames: { event: string }[]) => [...new Set(frames.map(({ event }) => event))].sort()
    expect(events(heard)).toEqual([...Object.keys(SERVER_MESSAGES)].filter((event) => event !== "resumed").sort())
    expect(events(said)).toEqual([...Object.keys(CLIENT_MESSAGES)].filter((event) => event !== "send_to_peer").sort())
  })

  test("the executable says what the document says", async () => {
    await using node = await startNode([
      "--turn-secret=x",
      "--ice-server=stun:a,turn:b",
      "--shutdown-seconds=1",
      "--room-locks=members",
    ])
    await using ada = await TestClient.connect(node.url)
    await using ben = await TestClient.connect(node.url)
    await ada.join("doc", { name: "Ada", other: 1 })
    await ben.join("doc")
    await ada.next("new_peer")
    const relay = (data: object) => ben.send({ event: "send_to_peer", peer_id: ada.ownId, data })
    relay({ event: "offer", sdp: { type: "offer", sdp: "v=0" } })
    relay({ event: "answer", sdp: "v=0" })
    relay({ event: "ice_candidate", candidate: "c", sdpmid: "0", sdpmlineindex: 0 })
    relay({ event: "ice_candidate", candidate: { candidate: "c", sdpMid: "0", sdpMLineIndex: 0 } })
    relay({ event: "message", data: { any: "thing" } })
    ben.send({ event: "update_status", status: { name: "Ben" } })
    ben.send({ event: "info", ref: 1 })
    ben.send({ event: "ping", ref: "2" })
    ben.send({ event: "nonsense" })
    for (const event of ["lock_room", "unlock_room"]) {
      ben.send({ event })
      said.push({ event })
    }
    await ben.drain()
    ben.send({ event: "leave_room" })
    await ada.next("peer_left")
    node.kill("SIGTERM")
    await ada.next("shutdown")
    heard.push(...ada.all, ...ben.all)
    expect(heard.map((frame) => complaintOf("server", frame)).filter((complaint) => complaint !== undefined)).toEqual(
      [],
    )
  })

  test("the client says what the document says, and the test's own server too", async () => {
    using server = new ResumingServer()
    using one = await ClientMember.join(server)
    one.client.updateStatus({ camera: true, name: null })
    one.client.send("bea", { event: "offer", sdp: "v=0" })
    one.client.send("bea", { event: "ice_candidate", candidate: { candidate: "c", sdpMid: "0", sdpMLineIndex: 0 } })
    one.speak()
    void one.client.info().catch(() => undefined)
    await one.client.ping()
    server.end()
    await one.next("resumed")
    one.client.leave()
    await server.until(() => server.of("leave_room").length > 0)
    const frames = [...server.taken, ...server.resumes]
    for (const frame of frames) expect(complaintOf("client", frame)).toBeUndefined()
    for (const { event, data } of server.of("send_to_peer")) {
      expect(event).toBe("send_to_peer")
      const relayed = { ...(data as { event: string }), sender_id: "ada" }
      expect(complaintOf("server", relayed)).toBeUndefined()
    }
    for (const frame of server.answers) expect(complaintOf("server", frame)).toBeUndefined()
    said.push(...frames.filter(({ event }) => event !== "send_to_peer"))
  })
})
