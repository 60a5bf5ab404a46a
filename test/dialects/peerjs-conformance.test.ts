// The same actions of PeerJS clients against peerjs-server and against ours: the transcripts, all that each client heard
// and how it was parted from, are the same. What differs is named where it is left out.

import { expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { startPeerJs } from "./originals.ts"
import { heardBy, offer, peerAddress } from "./peerjs-client.ts"
import { TextClient } from "./text-client.ts"

/** What each client heard, by its name. */
type Transcript = Record<string, unknown[]>

// Left out: taking over, where the original says no OPEN and leaves the old connection open; LEAVE for nobody, after which
// the original goes on to pass on what its sender says; a `dst` that is no text, which it keeps as if it were; the close
// code, which is not there or 1000.
async function play(url: string): Promise<Transcript> {
  const transcript: Transcript = {}
  const clients = new Map<string, TextClient>()
  const connect = async (name: string, address = peerAddress(url, name)) => {
    const client = await TextClient.connect(address)
    clients.set(name, client)
    transcript[name] = [await client.nextJson()]
    return client
  }
  /** One says something; then all write down what they heard of it. */
  const say = async (name: string, ...messages: readonly (object | string)[]) => {
    for (const message of messages) clients.get(name)?.send(message)
    for (const one of [name, ...clients.keys()]) {
      transcript[one]?.push(...(await heardBy(clients.get(one) as TextClient, one)))
    }
  }
  const refused = async (name: string, address: string) => {
    const client = await connect(name, address)
    await client.closed
    clients.delete(name)
    transcript[name]?.push("closed")
  }

  const ada = await connect("ada")
  const ben = await connect("ben")
  await say("ada", offer("ben", 1), { type: "CANDIDATE", payload: { candidate: "ö🙂" }, dst: "ben" })
  await say("ben", { type: "ANSWER", dst: "ada", payload: [1, null, { x: {} }], src: "forged", more: 1 })
  for (const payload of [null, 7, "text", [], {}, undefined, { __proto__: 1 }, { a: 1e308, b: -0.5 }]) {
    await say(
      "ada",
      ...["OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE"].map((type) => ({ type, payload, dst: "ben" })),
    )
  }
  await say("ada", "", "{", "nonsense", "null", "[]", "7", '"OFFER"', "{}", { type: "HEARTBEAT" }, { type: "OFFER" })
  await say(
    "ada",
    ...["OPEN", "ERROR", "ID-TAKEN", "offer", "__proto__", 7, null].map((type) => ({ type, dst: "ben" })),
  )
  await say("ada", `{"type":"OFFER","payload":{"a":1e400,"a":[2]},"dst":"cem","dst":"ben","src":"forged"}`)
  await refused("taken", peerAddress(url, "ben", "another"))
  await refused("no key", `${url}peerjs?id=x&token=t`)
  await refused("no token", `${url}peerjs?id=x&key=peerjs&token=`)
  await refused("nothing", `${url}peerjs`)
  await refused("other key", `${url}peerjs?id=x&token=t&key=other`)
  await refused("two keys", `${url}peerjs?id=x&token=t&key=peerjs&key=other`)
  await say("ada", offer("cem", 1), { type: "LEAVE", dst: "cem" }, offer("cem", 2), { type: "EXPIRE", dst: "cem" })
  await connect("cem")
  await say("ada", offer("cem", 3), offer("ada", 4))
  await say("cem", { type: "LEAVE", dst: "nobody" }, { type: "EXPIRE", dst: "nobody" })
  await ben.close()
  clients.delete("ben")
  await say("ada")
  // Both are told once, of whatever they have said.
  await say("ada", offer("ben", 1), offer("ben", 2))
  await say("cem", offer("ben", 3))
  for (const name of ["ada", "cem"]) transcript[name]?.push(await clients.get(name)?.nextJson())
  await connect("ben")
  await say("ben", offer("ada", 5))
  for (const client of [ada, ...clients.values()]) client.terminate()
  return transcript
}

async function ask(url: string, path: string, method = "GET"): Promise<unknown[]> {
  const answer = await fetch(`${url.replace("ws:", "http:")}${path}`, {
    method,
    headers: { origin: "https://page.example" },
  })
  const origin = answer.headers.get("access-control-allow-origin")
  const text = (await answer.text()).replace(/^[0-9a-f-]{36}$/, "a UUID")
  return [answer.status, origin === "*" || origin === "https://page.example", answer.headers.get("content-type"), text]
}

test("PeerJS: transcripts are the same", async () => {
  await using original = await startPeerJs()
  await using ours = await startNode()
  const [expected, played] = await Promise.all([play(original.url), play(ours.url)])
  expect(expected["ben"]?.length).toBeGreaterThan(0)
  expect(expected["cem"]).toHaveLength(5)
  expect(played).toEqual(expected)
  for (const [path, method] of [
    ["peerjs/id", "GET"],
    ["peerjs/id?ts=1&version=1.5.5", "GET"],
    ["peerjs/peers", "GET"],
    ["peerjs/id", "OPTIONS"],
  ] as const) {
    expect([path, method, ...(await ask(ours.url, path, method))]).toEqual([
      path,
      method,
      ...(await ask(original.url, path, method)),
    ])
  }
})
