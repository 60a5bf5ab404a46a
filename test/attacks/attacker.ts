// The attacker, a process of its own: `attacker.ts KIND URL SECONDS PEERS [TOKENS]`, where PEERS are the ids of honest peers
// in a room, and TOKENS a file. It does what KIND says until the time is over, and prints how much it has done.

import { readFileSync } from "node:fs"
import { createConnection, type Socket } from "node:net"
import { connect as connectSecurely } from "node:tls"
import { frame, handshake, OPCODE, textFrame } from "../helpers/raw-socket.ts"

const [kind = "", url = "", seconds = "1", peers = "", tokens = ""] = process.argv.slice(2)
const port = Number(new URL(url).port)
const victims = peers.split(",")
const endsAt = performance.now() + Number(seconds) * 1000
let done = 0

/** A socket that is refused, or closed, is another's turn. */
function connect(first: string): Socket {
  const socket = createConnection({ port, host: "127.0.0.1" })
  socket.on("error", () => {})
  socket.on("data", () => {})
  socket.write(first)
  return socket
}

/** A WebSocket: frames that come before the handshake is answered may be dropped with it, and so cost nothing. */
function upgrade(onOpen: (socket: Socket) => void): Socket {
  const socket = connect(handshake())
  socket.once("data", (answer: Buffer) => {
    if (answer.toString().startsWith("HTTP/1.1 101 ")) onOpen(socket)
  })
  return socket
}

/** One that says this, and no more. */
function enter(words: Uint8Array): Socket {
  return upgrade((socket) => socket.write(words))
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const repeat = (part: Uint8Array, count: number): Buffer => Buffer.concat(Array<Uint8Array>(count).fill(part))
const join = (room: string, status?: unknown): Buffer => textFrame({ event: "join_room", room_id: room, status })

/** So many connections that each write `bytes` as fast as they are taken, and come back when they are closed. */
async function flood(
  count: number,
  bytes: () => Uint8Array,
  first: Uint8Array = Buffer.alloc(0),
  reads = true,
): Promise<void> {
  const write = (socket: Socket): void => {
    if (performance.now() > endsAt) return
    done++
    if (socket.write(bytes())) setImmediate(write, socket)
    else socket.once("drain", () => write(socket))
  }
  const begin = (): void => {
    if (performance.now() > endsAt) return
    const socket = upgrade((open) => {
      if (!reads) open.pause()
      open.write(first)
      write(open)
    })
    socket.once("close", () => setTimeout(begin, 50))
  }
  for (let number = 0; number < count; number++) begin()
  await pause(endsAt - performance.now())
}

/** Sockets that are opened one after the other, so many at a time, as `begin` does it. */
async function open(atOnce: number, begin: () => Socket, thenClose: boolean): Promise<Socket[]> {
  const all: Socket[] = []
  while (performance.now() < endsAt) {
    const some = Array.from({ length: atOnce }, begin)
    done += some.length
    await pause(20)
    if (thenClose) for (const socket of some) socket.destroy()
    else all.push(...some)
    if (all.length >= 1_000) break
  }
  return all
}

/** Writes a byte to each now and then. */
async function drip(sockets: readonly Socket[], byte: string): Promise<void> {
  while (performance.now() < endsAt) {
    for (const socket of sockets) if (socket.writable) socket.write(byte)
    done += sockets.length
    await pause(100)
  }
}

const ping = frame(OPCODE.ping)
const fragments = Buffer.concat([
  frame(OPCODE.text, "{", { isFinal: false }),
  repeat(frame(OPCODE.continuation, "x", { isFinal: false }), 5_000),
])
const relay = (data: object): Buffer =>
  Buffer.concat(victims.map((peer_id) => textFrame({ event: "send_to_peer", peer_id, data })))
/** What names one of the honest as the sender of a message to the other, in all the ways there are to write it. */
const forged = victims.flatMap((victim) => {
  const sender = `"sender_id":"${victim}"`
  const datas = [
    `{"event":"message",${sender}}`,
    `{${sender},"event":"message"}`,
    `{"event":"message","x":1,${sender},"y":2}`,
    `{"event":"message",${sender.replace("s", "\\u0073")}}`,
    `{"event":"message","sender_id":"x",${sender}}`,
    `{"event":"message", "sender_id" : {${sender}} }`,
    `{"event":"message","sender_id":[${victim.length}],"x":{${sender}}}`,
    `{"event":"message","__proto__":{${sender}}}`,
    `{"event":"message","x":"}","sender_id":null}`,
  ]
  return victims.flatMap((to) => [
    ...datas.map((data) => `{"event":"send_to_peer","peer_id":"${to}","data":${data}}`),
    `{"event":"send_to_peer","peer_id":"${to}",${sender},"data":{"event":"message"}}`,
    `{"event":"send_to_peer","peer_id":"${to}","data":{"event":"message"},"data":{"event":"message",${sender}}}`,
    `{${sender},"event":"send_to_peer","peer_id":"${to}","data":{"event":"peer_left",${sender}}}`,
  ])
})
const forgeries = Buffer.concat(forged.map(textFrame))
const megabyte = frame(OPCODE.text, Buffer.alloc(1_048_570)).subarray(0, 1_000_000)
const manyHeaders = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`X-Header-${index}`, "x".repeat(60)]))
const crowd = (status: unknown) => join("a room that is full", status)

const KINDS: Readonly<Record<string, () => Promise<unknown>>> = {
  "messages without end": () => flood(20, () => repeat(textFrame({ event: "ping" }), 500)),
  "messages of a thousand at once": () => flood(1_000, () => repeat(textFrame({ event: "ping" }), 500)),
  "pings without end": () => flood(20, () => repeat(ping, 500)),
  "a message in fragments of a byte": () => flood(20, () => fragments),
  "frames of a byte": () => flood(20, () => repeat(frame(OPCODE.text, "x"), 1_000)),
  "frames of a megabyte that are never ended": async () => {
    const again = (): void => {
      if (performance.now() > endsAt) return
      done++
      enter(megabyte).once("close", () => setTimeout(again, 50))
    }
    for (let number = 0; number < 300; number++) again()
    await pause(endsAt - performance.now())
  },
  "frames that are never ended": async () => {
    const begun = frame(OPCODE.text, "x".repeat(60_000)).subarray(0, 20)
    await drip(await open(50, () => enter(begun), false), "x")
  },
  "silence behind the handshake": async () => {
    await open(50, () => connect(handshake()), false)
    await pause(endsAt - performance.now())
  },
  "requests that are never ended": async () => {
    await drip(await open(50, () => connect("GET / HTTP/1.1\r\nHost: example.org\r\nX-Slow: "), false), "x")
  },
  "handshakes with 200 headers": () => open(20, () => connect(handshake(manyHeaders)), true),
  "rooms in a loop": () =>
    flood(10, () => {
      const rooms = Array.from({ length: 100 }, () => [join(crypto.randomUUID()), textFrame({ event: "leave_room" })])
      return Buffer.concat(rooms.flat())
    }),
  "joins with invalid statuses at a full room": async () => {
    for (let member = 0; member < 50; member++) enter(crowd({ member }))
    await flood(10, () => repeat(Buffer.concat([crowd({ name: " " }), crowd({ a: "x".repeat(5_000) }), crowd({})]), 20))
  },
  "status changes in a full room": async () => {
    for (let member = 0; member < 45; member++) enter(crowd({ member }))
    const change = textFrame({ event: "update_status", status: {} })
    await flood(5, () => repeat(change, 1_000), crowd({ text: "x".repeat(4_000) }))
  },
  "members who come and go all at once": async () => {
    while (performance.now() < endsAt) {
      const members = Array.from({ length: 500 }, (_, at) =>
        enter(join(`crowd ${at % 10}`, { text: "x".repeat(1_000) })),
      )
      done += members.length
      await pause(500)
      for (const member of members) member.resetAndDestroy()
    }
  },
  "20 MB of garbage a second": async () => {
    const garbage = textFrame("x".repeat(60_000))
    await flood(10, () => garbage)
  },
  "readers that do not read": async () => {
    const ask = repeat(textFrame({ event: "info", ref: "r".repeat(64) }), 200)
    await flood(100, () => ask, Buffer.alloc(0), false)
  },
  "connections without end": () => open(50, () => connect(handshake()), true),
  "plain requests without end": () =>
    open(50, () => connect("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"), true),
  "TLS handshakes without end": async () => {
    const begin = (): void => {
      if (performance.now() > endsAt) return
      done++
      const socket = connectSecurely({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => socket.destroy())
      socket.on("error", () => {})
      socket.once("close", begin)
    }
    for (let number = 0; number < 50; number++) begin()
    await pause(endsAt - performance.now())
  },
  "relays to another room": () =>
    flood(10, () => repeat(relay({ event: "message", text: "stranger" }), 50), join("here")),
  "forged senders": () => flood(10, () => repeat(forgeries, 5), join("here")),
  "forged senders by a member": async () => {
    const member = enter(join("honest"))
    while (performance.now() < endsAt) {
      await pause(50)
      member.write(forgeries)
      done++
    }
  },
  "tokens that are no good": async () => {
    const all = JSON.parse(readFileSync(tokens, "utf8")) as string[]
    const words = Buffer.concat(all.map((token) => textFrame({ event: "join_room", room_id: "honest", token })))
    const long = textFrame({ event: "join_room", room_id: "honest", token: "x".repeat(1_000_000) })
    const url = handshake({}, `/?token=${"x".repeat(1_000_000)}`)
    await Promise.all([flood(10, () => words), flood(2, () => long), open(5, () => connect(url), true)])
  },
  "guesses of a token": () =>
    flood(10, () => {
      const token = Buffer.from(crypto.getRandomValues(new Uint8Array(64))).toString("base64url")
      return repeat(textFrame({ event: "resume", token, received: 0 }), 20)
    }),
  "malformed frames": () => flood(20, () => Buffer.from([0xff, 0xff, 0xff, 0xff])),
}

await KINDS[kind]?.()
console.log(done)
process.exit(KINDS[kind] === undefined ? 1 : 0)
