// The PeerJS dialect by the compiled executable, on one node and over two.

import { describe, expect, test } from "bun:test"
import { startNode } from "../helpers/node.ts"
import { handshake, RawSocket, textFrame } from "../helpers/raw-socket.ts"
import { poll, startRedis } from "../helpers/redis.ts"
import { overNodes, sumOf } from "./over-nodes.ts"
import { heardBy, offer, openPeer, peerAddress } from "./peerjs-client.ts"
import { TextClient } from "./text-client.ts"

const TAKEN = { type: "ID-TAKEN", payload: { msg: "ID is taken" } }

/** A client that is refused: what it was told, and how it was parted from. */
async function refused(address: string): Promise<unknown[]> {
  const client = await TextClient.connect(address)
  const said = await client.nextJson()
  return [said, (await client.closed).code]
}

overNodes([], (nodes, count) => {
  const makeId = (name: string) => `${name}-${crypto.randomUUID()}`

  test("messages of every type reach the other peer, with the sender's id and nothing else of its making", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    await using ben = await openPeer(nodes.at(1).url, b)
    const payload = { candidate: { candidate: "candidate:1 ü🙂", sdpMLineIndex: 0 }, list: [1, { x: null }] }
    for (const type of ["OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE"]) {
      ada.send({ type, payload, dst: b })
      ada.send({ type, dst: b, payload: { plain: true }, src: "forged", more: 1, __proto__: { src: "forged" } })
      ada.send({ type, dst: b })
      expect(await ben.next()).toBe(JSON.stringify({ type, src: a, dst: b, payload }))
      expect(await ben.next()).toBe(JSON.stringify({ type, src: a, dst: b, payload: { plain: true } }))
      expect(await ben.next()).toBe(JSON.stringify({ type, src: a, dst: b }))
    }
    ada.send(`{"type":"OFFER","payload":{"a":1},"dst":"${b}","src":"forged"}`)
    ada.send(`{"type":"OFFER","payload":{"a":2},"src":"forged","dst":"${b}"}`)
    ada.send(`{"type":"OFFER","payload":{"a":3},"type":"OPEN","dst":"${b}"}`)
    ada.send(`{"type":"OFFER","payload":{"a":4}},"dst":"${b}"}`)
    ada.send(`{"type":"OFFER","payload":{"a":5},"dst":"x","dst":"${b}"}`)
    ada.send({ type: "HEARTBEAT" })
    ben.send({ ...offer(a), payload: null })
    for (const number of [1, 2, 5]) {
      expect(await ben.nextJson()).toEqual({ type: "OFFER", src: a, dst: b, payload: { a: number } })
    }
    expect(await ada.nextJson()).toEqual({ type: "OFFER", src: b, dst: a, payload: null })
    expect(await heardBy(ada, a)).toEqual([])
    expect(await heardBy(ben, b)).toEqual([])
  })

  test("messages of one sender keep their order, however many", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    await using ben = await openPeer(nodes.at(1).url, b)
    for (let number = 0; number < 200; number++) ada.send(offer(b, number))
    for (let number = 0; number < 200; number++) {
      expect(await ben.nextJson()).toEqual({ ...offer(b, number), src: a })
    }
  })

  test("many begin to speak with others at once: nothing is lost", async () => {
    for (let round = 0; round < 5; round++) {
      const pairs = await Promise.all(
        Array.from({ length: 30 }, async (_, at) => {
          const [a, b] = [makeId("ada"), makeId("ben")]
          return { a, b, ada: await openPeer(nodes.at(at).url, a), ben: await openPeer(nodes.at(at + 1).url, b) }
        }),
      )
      for (const { ada, b } of pairs) for (let number = 0; number < 8; number++) ada.send(offer(b, number))
      for (const { ben, a, b } of pairs) {
        for (let number = 0; number < 8; number++) {
          expect(await ben.nextJson()).toEqual({ ...offer(b, number), src: a })
        }
      }
      for (const { ada, ben } of pairs) for (const client of [ada, ben]) client.terminate()
    }
  })

  test("an id is one peer's: another token is refused, and the owner is not disturbed", async () => {
    const id = makeId("ada")
    await using ada = await openPeer(nodes.at(0).url, id, "one")
    for (const at of [0, 1]) {
      expect(await refused(peerAddress(nodes.at(at).url, id, "two"))).toEqual([TAKEN, 1000])
    }
    expect(await heardBy(ada, id)).toEqual([])
    await ada.close()
    await poll(async () => {
      try {
        await (await openPeer(nodes.at(1).url, id, "two")).close()
        return true
      } catch {
        return false
      }
    })
  })

  test("the same id and token take over, from any node: nothing is lost or passes another, the late close removes nothing", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    let ben = await openPeer(nodes.at(1).url, b)
    const heard: unknown[] = []
    let sent = 0
    const send = (): void => ada.send(offer(b, sent++))
    for (let round = 0; round < 4; round++) {
      for (let number = 0; number < 20; number++) send()
      // While the next one comes, messages go on.
      const coming = openPeer(nodes.at(round).url, b)
      for (let number = 0; number < 20; number++) send()
      const next = await coming
      for (let number = 0; number < 20; number++) send()
      expect((await ben.closed).code).toBe(4509)
      heard.push(...ben.all.slice(1))
      ben = next
    }
    send()
    const last = JSON.stringify({ ...offer(b, sent - 1), src: a })
    await ben.upTo(
      (text) => JSON.stringify(JSON.parse(text).payload) === JSON.stringify(JSON.parse(last).payload),
      last,
    )
    heard.push(...ben.all.slice(1))
    const numbers = heard.map((text) => Number(/o=- (\d+)/.exec(String(text))?.[1]))
    expect(numbers).toEqual(Array.from({ length: sent }, (_, number) => number))
    await ben.close()
  })

  test("many claims at once: of several tokens one wins, of one token the last", async () => {
    const id = makeId("ada")
    const claims = Array.from({ length: 8 }, async (_, at) => {
      const client = await TextClient.connect(peerAddress(nodes.at(at).url, id, `token ${at}`))
      return { client, said: (await client.nextJson()) as { type: string } }
    })
    const all = await Promise.all(claims)
    expect(all.map(({ said }) => said.type).sort()).toEqual([...Array(7).fill("ID-TAKEN"), "OPEN"])
    const [winner] = all.filter(({ said }) => said.type === "OPEN")
    const token = `token ${all.indexOf(winner as (typeof all)[0])}`
    const again = await Promise.all(
      [0, 1, 2, 3].map((at) => TextClient.connect(peerAddress(nodes.at(at).url, id, token))),
    )
    let closed = 0
    for (const client of [winner?.client as TextClient, ...again]) {
      client.closed.then(({ code }) => {
        if (code === 4509) closed++
      })
    }
    await poll(() => closed === 4)
    const b = makeId("ben")
    await using ben = await openPeer(nodes.at(1).url, b)
    ben.send(offer(id))
    await poll(() => again.some(({ all }) => all.length === 2))
    for (const client of again) client.terminate()
  })

  test("what is sent to a peer that is not there waits for it, but no LEAVE and no EXPIRE", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    for (let number = 0; number < 5; number++) {
      ada.send(offer(b, number))
      ada.send({ type: "LEAVE", dst: b })
      ada.send({ type: "EXPIRE", dst: b })
    }
    expect(await heardBy(ada, a)).toEqual([])
    await using ben = await openPeer(nodes.at(1).url, b)
    for (let number = 0; number < 5; number++) {
      expect(await ben.nextJson()).toEqual({ ...offer(b, number), src: a })
    }
    ada.send(offer(b, 5))
    expect(await ben.nextJson()).toEqual({ ...offer(b, 5), src: a })
    expect(await heardBy(ada, a)).toEqual([])
  })

  test("a peer that goes is called in vain: EXPIRE after 5 s, once; and when it is back, it is called again", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    await using other = await openPeer(nodes.at(0).url, makeId("cem"))
    const ben = await openPeer(nodes.at(1).url, b)
    ada.send(offer(b))
    await ben.next()
    await ben.close()
    const connections = nodes.all.length === 1 ? 2 : 0
    await poll(async () => (await nodes.at(1).metric("palava_connections")) === connections)
    const from = performance.now()
    for (let number = 0; number < 3; number++) ada.send(offer(b, number))
    other.send(offer(b))
    other.send({ type: "LEAVE", dst: makeId("nobody") })
    expect(await ada.nextJson()).toEqual({ type: "EXPIRE", src: b, dst: a })
    expect(performance.now() - from).toBeWithin(4_900, 6_500)
    expect(await other.nextJson()).toMatchObject({ type: "EXPIRE", src: b })
    expect(await heardBy(ada, a)).toEqual([])
    await using again = await openPeer(nodes.at(1).url, b, "another")
    ada.send(offer(b, 7))
    expect(await again.nextJson()).toEqual({ ...offer(b, 7), src: a })
  })

  test("ids may be any string up to a length", async () => {
    for (const id of [
      "__proto__",
      "constructor",
      "*",
      "+stats",
      "!peerjs deliver",
      "ünï 🙂 \u0000\n\"'\\",
      "x".repeat(256),
    ]) {
      const b = makeId("ben")
      await using ada = await openPeer(nodes.at(0).url, id)
      await using ben = await openPeer(nodes.at(1).url, b)
      ben.send(offer(id, 1))
      expect(await ada.nextJson()).toEqual({ ...offer(id, 1), src: b })
      ada.send(offer(b, 2))
      expect(await ben.nextJson()).toEqual({ ...offer(b, 2), src: id })
      expect(await refused(peerAddress(nodes.at(1).url, id, "other"))).toEqual([TAKEN, 1000])
    }
    expect(await refused(peerAddress(nodes.at(0).url, "x".repeat(257)))).toMatchObject([{ type: "ERROR" }, 1000])
  })

  test("10,000 bad frames harm nobody, and leave nothing behind", async () => {
    const [a, b] = [makeId("ada"), makeId("ben")]
    await using ada = await openPeer(nodes.at(0).url, a)
    await using ben = await openPeer(nodes.at(1).url, b)
    const names = Array.from({ length: 10 }, (_, at) => makeId(`bad${at}`))
    const clients = await Promise.all(names.map((name, at) => openPeer(nodes.at(at).url, name)))
    const before = await sumOf(nodes, "palava_rooms")
    const bad = badFrames(b)
    for (let number = 0; number < 1000; number++) {
      for (const client of clients) client.send(bad[number % bad.length] as string)
      if (number % 10 === 0) {
        ada.send(offer(b, number))
        ben.send(offer(a, number))
      }
    }
    for (let number = 0; number < 1000; number += 10) {
      expect(await ben.nextJson()).toEqual({ ...offer(b, number), src: a })
      expect(await ada.nextJson()).toEqual({ ...offer(a, number), src: b })
    }
    for (const [at, client] of clients.entries()) {
      const heard = await heardBy(client, names[at] as string)
      for (const message of heard) expect(message).toMatchObject({ type: "EXPIRE", dst: names[at] })
    }
    expect(await sumOf(nodes, "palava_rooms")).toBe(before)
    for (const client of clients) await client.close()
    await poll(async () => (await sumOf(nodes, "palava_rooms")) === before - clients.length)
    await poll(async () => (await sumOf(nodes, "palava_waiting_messages")) === 0)
    for (const node of nodes.all) expect(node.complaints()).toBe("")
  })

  if (count === 2) {
    test("a node that is killed: its peers come back elsewhere at once, and who calls them reaches them", async () => {
      await using redis = await startRedis()
      const args = ["--redis", redis.url, "--lease-seconds", "2"]
      await using stays = await startNode(args)
      await using dies = await startNode(args)
      await using ada = await openPeer(stays.url, "ada")
      const ben = await openPeer(dies.url, "ben", "secret")
      await openPeer(dies.url, "cem", "secret")
      ada.send(offer("ben", 1))
      await ben.next()
      dies.kill("SIGKILL")
      await dies.exited
      ada.send(offer("ben", 2))
      await using again = await openPeer(stays.url, "ben", "secret")
      expect(await again.nextJson()).toEqual({ ...offer("ben", 2), src: "ada" })
      // An id of a dead node is free for others when its lease is over.
      await poll(async () => {
        try {
          await (await openPeer(stays.url, "cem", "another")).close()
          return true
        } catch {
          return false
        }
      })
    })
  }
})

describe("on one node", () => {
  test("errors by the letter, then the end", async () => {
    await using node = await startNode(["--max-connections", "1"])
    const error = (msg: string) => [{ type: "ERROR", payload: { msg } }, 1000]
    const missing = error("No id, token, or key supplied to websocket server")
    for (const query of ["", "?id=a&token=t", "?id=a&key=peerjs", "?token=t&key=peerjs", "?id=&token=t&key=peerjs"]) {
      expect(await refused(`${node.url}peerjs${query}`)).toEqual(missing)
    }
    expect(await refused(`${node.url}peerjs?id=a&token=t&key=other`)).toEqual(error("Invalid key provided"))
    expect(await refused(`${node.url}some/path/peerjs?id=a`)).toEqual(missing)
    await using ada = await openPeer(`${node.url}some/path/`, "ada")
    const full = error("Server has reached its concurrent user limit")
    expect(await refused(peerAddress(node.url, "ben"))).toEqual([full[0], 1013])
    expect(await heardBy(ada, "ada")).toEqual([])
    expect(await node.metric("palava_errors_total", 'dialect="peerjs",id="missing_parameters"')).toBe(6)
    expect(await node.metric("palava_errors_total", 'dialect="peerjs",id="invalid_key"')).toBe(1)
  })

  test("ids by HTTP, for pages of any origin, under any path; no list of peers unless it is asked for", async () => {
    await using node = await startNode(["--peerjs-key", "my.key"])
    const ask = async (path: string, method = "GET") => {
      const answer = await fetch(`${node.httpUrl}${path}`, { method, headers: { origin: "https://page.example" } })
      return {
        status: answer.status,
        origin: answer.headers.get("access-control-allow-origin"),
        text: await answer.text(),
      }
    }
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/)
    for (const path of ["my.key/id", "my.key/id?ts=1&version=1.5.5", "some/path/my.key/id"]) {
      expect(await ask(path)).toEqual({ status: 200, origin: "*", text: uuid })
    }
    expect(await ask("my.key/peers")).toEqual({ status: 401, origin: "*", text: "Unauthorized" })
    expect(await ask("my.key/id", "OPTIONS")).toEqual({ status: 204, origin: "*", text: "" })
    expect(await ask("my.key/id", "POST")).toMatchObject({ status: 405, origin: "*" })
    expect(await ask("peerjs/id")).toMatchObject({ status: 404 })
    await using _ada = await TextClient.connect(`${node.url}peerjs?key=my.key&id=ada&token=t`)
    expect(await _ada.nextJson()).toEqual({ type: "OPEN" })
  })

  test("messages that wait are bounded: who has too many is told at once", async () => {
    await using node = await startNode()
    await using ada = await openPeer(node.url, "ada")
    for (let number = 0; number < 300; number++) ada.send(offer("ben", number))
    const heard = await heardBy(ada, "ada")
    expect(heard).toEqual(Array.from({ length: 300 - 256 }, () => ({ type: "EXPIRE", src: "ben", dst: "ada" })))
    await using ben = await openPeer(node.url, "ben")
    for (let number = 0; number < 256; number++)
      expect(await ben.nextJson()).toEqual({ ...offer("ben", number), src: "ada" })
    expect(await node.metric("palava_waiting_messages")).toBe(0)
  })

  test("LEAVE for nobody gives the id back", async () => {
    await using node = await startNode()
    await using ada = await openPeer(node.url, "ada", "one")
    ada.send({ type: "LEAVE" })
    await poll(async () => (await node.metric("palava_rooms")) === 0)
    await using other = await openPeer(node.url, "ada", "two")
    ada.send(offer("ada"))
    expect(await heardBy(other, "ada")).toEqual([])
  })

  test("who does not answer pings loses its id", async () => {
    await using node = await startNode(["--ping-seconds", "5", "--dead-seconds", "10"])
    const { pathname, search } = new URL(peerAddress(node.httpUrl, "ada", "one"))
    using raw = await RawSocket.connect(node.port, handshake({}, pathname + search))
    // Its client's heartbeat is a sign of life too: there is none any more.
    raw.write(textFrame({ type: "HEARTBEAT" }))
    expect(await raw.closed).toBe(4008)
    await using other = await openPeer(node.url, "ada", "two")
    expect(await heardBy(other, "ada")).toEqual([])
  })

  test("--dialect palava: it is not spoken", async () => {
    await using node = await startNode(["--dialect", "palava"])
    await using ada = await TextClient.connect(peerAddress(node.url, "ada"))
    ada.send({ event: "ping" })
    expect(await ada.next()).toBe('{"event":"pong"}')
    expect((await fetch(`${node.httpUrl}peerjs/id`)).status).toBe(404)
  })
})

describe("--peerjs-discovery", () => {
  overNodes(["--peerjs-discovery"], (nodes) => {
    test("the list has the peers of all nodes, while they are there", async () => {
      const list = async (at: number) => (await fetch(`${nodes.at(at).httpUrl}peerjs/peers`)).json()
      expect(await list(0)).toEqual([])
      await using _ada = await openPeer(nodes.at(0).url, "ada")
      const ben = await openPeer(nodes.at(1).url, "ben", "one")
      for (const at of [0, 1]) expect(await list(at)).toEqual(["ada", "ben"])
      expect(await refused(peerAddress(nodes.at(0).url, "ben", "two"))).toEqual([TAKEN, 1000])
      const again = await openPeer(nodes.at(0).url, "ben", "one")
      await ben.closed
      await poll(async () => JSON.stringify(await list(1)) === '["ada","ben"]')
      await again.close()
      await poll(async () => JSON.stringify(await list(1)) === '["ada"]')
    })
  })
})

/** Frames that ask for nothing that can be had, some for a peer that is there. */
function badFrames(dst: string): string[] {
  const values = [null, true, 7, [], [[]], {}, { __proto__: 1 }, "", -1e308]
  const types = ["OFFER", "ANSWER", "CANDIDATE", "EXPIRE"]
  return [
    ...["", " ", "{", "}", "nonsense", '"', "null", "[]", "7", "{}", '{"type":', "\u0000", '"OFFER"'],
    ...values.map((type) => JSON.stringify({ type, dst, payload: {} })),
    ...types.flatMap((type) => values.map((value) => JSON.stringify({ type, dst: value, payload: value }))),
    ...["OPEN", "ID-TAKEN", "ERROR", "__proto__", "toString"].map((type) => JSON.stringify({ type, dst, payload: {} })),
    `{"type":"OFFER","payload":{"a":1}},"dst":"${dst}"}`,
    `{"type":"OFFER","payload":{"a":"\n"},"dst":"${dst}"}`,
    `{"type":"OFFER","payload":{"a":01},"dst":"${dst}"}`,
    `{"type":"OFFER","payload":{"a":1,},"dst":"${dst}"}`,
    `{"type":"OFFER","payload":{"a":1,"dst":"${dst}"}`,
    `{"type":"OFFER","payload":{},"dst":"${dst}`,
    `{"__proto__":{"type":"OFFER","dst":"${dst}"}}`,
    `{"type":"OFFER","dst":"${dst}","payload":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    `{"type":"OFFER","dst":"${dst}","payload":${"[".repeat(20_000)}`,
    JSON.stringify({ type: "LEAVE", dst: "nobody at all" }),
    JSON.stringify({ type: "OFFER", dst: "y".repeat(300), payload: {} }),
    JSON.stringify({ type: "OFFER", dst: "nobody at all", payload: {} }),
  ]
}
