// What joined_room tells of STUN and TURN servers, and whether coturn would accept the credentials.

import { expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { TestClient, type WireEvent } from "../helpers/client.ts"
import { startNode } from "../helpers/node.ts"

const SECRET = "north wind"

/** What a newcomer is told by a node with these options, besides who is there. */
async function joinedWith(args: readonly string[], env = {}): Promise<WireEvent> {
  await using node = await startNode(args, env)
  await using client = await TestClient.connect(node.url)
  return await client.join("ice")
}

/** As coturn's use-auth-secret checks it: the hour has not passed, and the password is the HMAC of the user. */
function expectValid(user: unknown, password: unknown, peer: unknown, ttlSeconds: number): void {
  const [expiry, name] = String(user).split(":")
  expect(name).toBe(peer as string)
  const left = Number(expiry) - Date.now() / 1000
  expect(left).toBeLessThanOrEqual(ttlSeconds)
  expect(left).toBeGreaterThan(ttlSeconds - 30)
  expect(password).toBe(createHmac("sha1", SECRET).update(String(user)).digest("base64"))
}

test("nothing, when nothing is configured", async () => {
  expect(Object.keys(await joinedWith([]))).toEqual(["event", "own_id", "peers"])
})

test("STUN servers need no credentials", async () => {
  const args = ["--ice-server", "stun:stun.example.org:3478", "--ice-server", "stuns:stun.example.org"]
  expect(await joinedWith(args)).toEqual({
    event: "joined_room",
    own_id: expect.any(String),
    peers: [],
    ice_servers: [{ urls: ["stun:stun.example.org:3478", "stuns:stun.example.org"] }],
  })
})

test("TURN servers come with credentials of the peer's own", async () => {
  const urls = ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349?transport=tcp"]
  const joined = await joinedWith([], {
    PALAVA_ICE_SERVER: ["stun:stun.example.org", ...urls].join(","),
    PALAVA_TURN_SECRET: SECRET,
    PALAVA_TURN_TTL_SECONDS: "600",
  })
  const { own_id: peer, turn_user: user, turn_password: password } = joined
  expect(joined).toEqual({
    event: "joined_room",
    own_id: peer,
    peers: [],
    turn_user: user,
    turn_password: password,
    ice_servers: [
      { urls: ["stun:stun.example.org"] },
      { urls, username: user as string, credential: password as string },
    ],
  })
  expectValid(user, password, peer, 600)
})

test("the secret alone gives the credentials alone, valid for a day", async () => {
  const joined = await joinedWith(["--turn-secret", SECRET])
  expect(Object.keys(joined)).toEqual(["event", "own_id", "peers", "turn_user", "turn_password"])
  expectValid(joined["turn_user"], joined["turn_password"], joined["own_id"], 86_400)
})

test("ref comes with them, and no two peers share credentials", async () => {
  await using node = await startNode(["--turn-secret", SECRET])
  const passwords = new Set<unknown>()
  for (const ref of ["a", "b"]) {
    await using client = await TestClient.connect(node.url)
    client.send({ event: "join_room", room_id: "ice", ref })
    const joined = await client.next("joined_room")
    expect(joined["ref"]).toBe(ref)
    expectValid(joined["turn_user"], joined["turn_password"], joined["own_id"], 86_400)
    passwords.add(joined["turn_password"])
  }
  expect(passwords.size).toBe(2)
  expect(node.log()).not.toContain(SECRET)
})

test("a member asks for them again with info, and gets fresh ones; others get none", async () => {
  await using node = await startNode(["--turn-secret", SECRET, "--ice-server", "turn:turn.example.org"])
  await using client = await TestClient.connect(node.url)
  const about = { event: "info", protocol_version: "1.0.0", server: "palava-machine", version: expect.any(String) }
  client.send({ event: "info", ref: 1 })
  expect(await client.next("info")).toEqual({ ...about, ref: 1 })
  await client.join("ice")
  client.send({ event: "info", ref: 2 })
  const info = await client.next("info")
  const { turn_user: user, turn_password: password } = info
  expect(info).toEqual({
    ...about,
    turn_user: user,
    turn_password: password,
    ice_servers: [{ urls: ["turn:turn.example.org"], username: user as string, credential: password as string }],
    ref: 2,
  })
  expectValid(user, password, client.ownId, 86_400)
})
