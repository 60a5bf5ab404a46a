// Tokens of clients that know nothing of them: by `access_token` in the URL, for each dialect and each way in, on one node and
// over two.

import { describe, expect, test } from "bun:test"
import { engineUrl } from "../dialects/engine-client.ts"
import { overNodes } from "../dialects/over-nodes.ts"
import { peerAddress } from "../dialects/peerjs-client.ts"
import { TextClient } from "../dialects/text-client.ts"
import { inSeconds, SECRET, sign } from "./tokens.ts"

const CLOSED = { code: 4501, reason: "not authorized" }
const TURN = ["--ice-server", "turn:turn.example.org", "--turn-secret", "shared-secret"]

overNodes(["--auth-secret", SECRET, "--peerjs-discovery", ...TURN], (nodes, count) => {
  const open = (path: string, at = 0) => TextClient.connect(nodes.at(at).url + path)
  const query = async (claims: object) => `access_token=${await sign(claims)}`
  const told = async (path: string, claims?: object) => {
    const token = claims === undefined ? "" : `${path.includes("?") ? "&" : "?"}${await query(claims)}`
    const response = await fetch(`${nodes.at(0).httpUrl}${path}${token}`)
    return [response.status, await response.text()]
  }

  describe("PeerJS", () => {
    const peer = async (id: string, claims: object, at = 0) =>
      TextClient.connect(peerAddress(nodes.at(at).url, id, "own", `&${await query(claims)}`))
    const offer = (dst: string, number: number) => ({ type: "OFFER", payload: { number }, dst })

    test("without a token, or with one where PeerJS has its own: closed before it hears anything", async () => {
      for (const address of [
        peerAddress(nodes.at(0).url, "ada"),
        peerAddress(nodes.at(1).url, "ada", await sign({ room: "*" })),
      ]) {
        const client = await TextClient.connect(address)
        expect([await client.closed, client.all]).toEqual([CLOSED, []])
      }
    })

    test("an id is a room: the token says which may be had, and which may be called", async () => {
      const eve = await peer("x-ada", { room: "y-*" })
      expect(JSON.parse(await eve.next())).toEqual({ type: "ERROR", payload: { msg: "not authorized" } })
      const ada = await peer("x-ada", { room: "x-*" })
      const ben = await peer("x-ben", { room: ["x-ben", "x-ada"] }, 1)
      const cyd = await peer("y-cyd", { room: "*" }, 1)
      const mute = await peer("x-mute", { room: "*", can: [] })
      for (const client of [ada, ben, cyd, mute]) expect(await client.next()).toBe('{"type":"OPEN"}')
      ben.send(offer("y-cyd", 1))
      mute.send(offer("y-cyd", 2))
      mute.send(offer("x-ada", 3))
      cyd.send(offer("x-ben", 4))
      expect(JSON.parse(await ben.next()).payload).toEqual({ number: 4 })
      ben.send(offer("x-ada", 5))
      expect(JSON.parse(await ada.next()).payload).toEqual({ number: 5 })
      ada.send(offer("x-ben", 6))
      expect(JSON.parse(await ben.next()).payload).toEqual({ number: 6 })
      cyd.send(offer("y-cyd", 7))
      expect(JSON.parse(await cyd.next()).payload).toEqual({ number: 7 })

      expect(await told("peerjs/peers")).toEqual([401, "not authorized\n"])
      // Two nodes join them at once: the order is that of chance.
      const idsFor = async (claims: object) => JSON.parse(String((await told("peerjs/peers", claims))[1])).sort()
      expect(await idsFor({ room: "*" })).toEqual(["x-ada", "x-ben", "x-mute", "y-cyd"])
      expect(await idsFor({ room: ["x-a*", "y-cyd"] })).toEqual(["x-ada", "y-cyd"])
      expect(await told("peerjs/peers", { room: "*", exp: inSeconds(-11) })).toEqual([401, "not authorized\n"])
      for (const client of [ada, ben, cyd, mute]) client[Symbol.asyncDispose]()
    })
  })

  describe("SimpleWebRTC", () => {
    const socket = async (claims: object, at = 0) =>
      TextClient.connect(`${engineUrl(nodes.at(at).httpUrl, "websocket").replace("http", "ws")}&${await query(claims)}`)
    const greeted = (client: TextClient) => client.upTo((text) => text.startsWith('42["turnservers"'), "the greeting")

    test("without a token nobody is told of TURN servers", async () => {
      const client = await TextClient.connect(engineUrl(nodes.at(0).httpUrl, "websocket").replace("http", "ws"))
      expect([await client.closed, client.all]).toEqual([CLOSED, []])
      const polling = await fetch(engineUrl(nodes.at(0).httpUrl, "polling"))
      if (count === 1) expect(polling.status).toBe(403)
      // Over nodes, polling leads to a WebSocket and says nothing but an id.
      else expect(await polling.text()).not.toContain("turn")
    })

    test("a WebSocket behind the id of a poll needs it, too", async () => {
      const token = await sign({ room: "tea" })
      const begun = await fetch(engineUrl(nodes.at(0).httpUrl, "polling", { b64: "1", access_token: token }))
      const [, sid = ""] = /"sid":"([^"]+)"/.exec(await begun.text()) ?? []
      if (count === 1) return
      const client = await TextClient.connect(
        engineUrl(nodes.at(1).httpUrl, "websocket", { sid }).replace("http", "ws"),
      )
      expect([await client.closed, client.all]).toEqual([CLOSED, []])
    })

    test("by polling, where one node is alone", async () => {
      if (count > 1) return
      const token = await sign({ room: "tea" })
      const url = (more = {}) => engineUrl(nodes.at(0).httpUrl, "polling", { b64: "1", access_token: token, ...more })
      const [, sid = ""] = /"sid":"([^"]+)"/.exec(await (await fetch(url())).text()) ?? []
      const say = async (packet: string) => {
        await fetch(url({ sid }), { method: "POST", body: `${packet.length}:${packet}` })
        return (await fetch(url({ sid }))).text()
      }
      await fetch(url({ sid }))
      expect(await say('420["join","coffee"]')).toContain('430["unauthorized"]')
      expect(await say('421["join","tea"]')).toContain('431[null,{"clients":{}}]')
    })

    test("joins and creates what the token says; who may not send or share does not", async () => {
      const ada = await socket({ room: "swr-*" })
      const mute = await socket({ room: "swr-*", can: [] }, 1)
      for (const client of [ada, mute]) await greeted(client)
      ada.send('420["join","other"]')
      expect(await ada.next()).toBe('430["unauthorized"]')
      ada.send('421["create","other"]')
      expect(await ada.next()).toBe('431["unauthorized"]')
      ada.send('422["create"]')
      expect(await ada.next()).toBe('432["unauthorized"]')
      ada.send('423["join","swr-1"]')
      expect(await ada.next()).toBe('433[null,{"clients":{}}]')
      mute.send('424["join","swr-1"]')
      const [id = ""] = Object.keys(JSON.parse((await mute.next()).slice(3))[1].clients)
      mute.send('42["shareScreen"]')
      mute.send(`42["message",{"to":"${id}","type":"offer"}]`)
      mute.send('42["leave"]')
      expect(await ada.next()).toStartWith('42["remove",')
      for (const client of [ada, mute]) client[Symbol.asyncDispose]()
    })
  })

  describe("TogetherJS", () => {
    test("a hub without a token, or with one of another room, is closed at once", async () => {
      for (const path of ["hub/tj", `hub/tj?${await query({ room: "tk*" })}`]) {
        const client = await open(path)
        expect([await client.closed, client.all]).toEqual([CLOSED, []])
      }
    })

    test("with one, all is as it was; who may not send is not heard", async () => {
      const ada = await open(`hub/tj1?${await query({ room: "tj*" })}`)
      expect(JSON.parse(await ada.next()).peerCount).toBe(0)
      const mute = await open(`hub/tj1?${await query({ room: "tj*", can: ["status"] })}`, 1)
      expect(JSON.parse(await mute.next()).type).toBe("init-connection")
      mute.send({ type: "bye", "server-echo": true })
      ada.send({ type: "end", "server-echo": true })
      expect(JSON.parse(await ada.next()).type).toBe("end")
      for (const client of [ada, mute]) client[Symbol.asyncDispose]()
    })

    test("/findroom and /load tell of rooms to those only who may know of them", async () => {
      await using one = await open(`hub/aa__One?${await query({ room: "aa__One" })}`)
      await one.next()
      for (const path of ["findroom?prefix=aa&max=9", "load"]) expect(await told(path)).toEqual([401, "not authorized"])
      expect(await told("status")).toEqual([200, "OK"])
      expect((await told("load", { room: "x" }))[0]).toBe(200)
      expect(await told("findroom?prefix=aa&max=9", { room: "aa__*" })).toEqual([200, '{"name":"aa__One"}'])
      expect((await told("findroom?prefix=bb&max=9", { room: "bb*" }))[1]).toContain("bb__")
      expect(await told("findroom?prefix=aa&max=9", { room: "bb*" })).toEqual([401, "not authorized"])
      expect(await told("findroom?prefix=aa&max=9", { room: "aa__Two" })).toEqual([401, "not authorized"])
    })
  })

  describe("webrtc.io", () => {
    const join = (room: string) => ({ eventName: "join_room", data: { room } })
    const chat = (room: string, messages: string) => ({
      eventName: "chat_msg",
      data: { room, messages, color: "#abc" },
    })

    test("is in the rooms of its token, and in none without", async () => {
      const ada = await open(`?${await query({ room: ["wio", "wio2"] })}`)
      const nobody = await open("", 1)
      const mute = await open(`?${await query({ room: "wio", can: [] })}`, 1)
      ada.send(join("wio"))
      const { connections, you } = JSON.parse(await ada.next()).data
      expect(connections).toEqual([])
      for (const room of ["wio", "wio2"]) nobody.send(join(room))
      nobody.send(chat("wio", "from nobody"))
      nobody.send({ eventName: "send_offer", data: { socketId: you, sdp: {} } })
      ada.send(join("other"))
      mute.send(join("wio2"))
      mute.send(join("wio"))
      expect(JSON.parse(await ada.next()).eventName).toBe("new_peer_connected")
      expect(JSON.parse(await mute.next()).data.connections).toEqual([you])
      mute.send(chat("wio", "from mute"))
      mute.send({ eventName: "send_offer", data: { socketId: you, sdp: {} } })
      mute[Symbol.asyncDispose]()
      expect(JSON.parse(await ada.next()).eventName).toBe("remove_peer_connected")
      for (const client of [ada, nobody]) client[Symbol.asyncDispose]()
      expect(nobody.all).toEqual([])
    })
  })

  describe("y-webrtc", () => {
    const subscribe = (topic: string) => ({ type: "subscribe", topics: [topic] })
    const publish = (topic: string, data: string) => ({ type: "publish", topic, data })

    test("hears and publishes where its token says, also where it is not subscribed", async () => {
      const ada = await open(`?${await query({ room: "y-*" })}`)
      const nobody = await open("", 1)
      const mute = await open(`?${await query({ room: "y-*", can: [] })}`, 1)
      const ben = await open(`?${await query({ room: "y-1" })}`, 1)
      ada.send(subscribe("y-1"))
      nobody.send(subscribe("y-1"))
      nobody.send(publish("y-1", "from nobody"))
      nobody.send({ type: "ping" })
      expect(await nobody.next()).toBe('{"type":"pong"}')
      mute.send(publish("y-1", "from mute"))
      mute.send({ type: "ping" })
      expect(await mute.next()).toBe('{"type":"pong"}')
      ben.send(publish("y-2", "elsewhere"))
      ben.send(publish("y-1", "from ben"))
      expect(JSON.parse(await ada.next()).data).toBe("from ben")
      for (const client of [ada, ben, mute, nobody]) client[Symbol.asyncDispose]()
    })
  })

  test("whose time is over is out, whatever it speaks", async () => {
    // 10 s of tolerance, of which 4 are left.
    const claims = (room: string) => query({ room, exp: inSeconds(-6) })
    const [peerjs, simple, together, webrtcIo, yWebrtc] = await Promise.all([
      TextClient.connect(peerAddress(nodes.at(0).url, "brief", "own", `&${await claims("brief")}`)),
      open(`socket.io/?EIO=3&transport=websocket&${await claims("swr-2")}`, 1),
      open(`hub/brief?${await claims("brief")}`),
      open(`?${await claims("wio3")}`, 1),
      open(`?${await claims("y-3")}`),
    ])
    simple.send('420["join","swr-2"]')
    webrtcIo.send({ eventName: "join_room", data: { room: "wio3" } })
    yWebrtc.send({ type: "subscribe", topics: ["y-3"] })
    const all = [peerjs, simple, together, webrtcIo, yWebrtc]
    expect(await Promise.all(all.map(({ closed }) => closed))).toEqual(Array(5).fill(CLOSED))
    expect(peerjs.all).toEqual(['{"type":"OPEN"}', '{"type":"ERROR","payload":{"msg":"Not authorized"}}'])
    expect(simple.all.at(-1)).toStartWith("430[null")
    expect(together.all).toHaveLength(1)
    expect(webrtcIo.all).toHaveLength(1)
  })
})
