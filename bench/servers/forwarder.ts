// The limit: what Bun can do when nobody looks at a message.
//
// Each connection names the topic that it hears (`?own=`) and the topic that it speaks to (`?to=`); a frame is published
// there as it came. Two sockets that name each other are the relay, a hundred that name one topic are the fan-out. With
// REDIS_URL each frame goes through one Redis `PUBLISH` to the node named in NODE_PEER: the limit of two nodes. With TLS_CERT and TLS_KEY it speaks wss,
// with SHARED several processes listen on one PORT.
// Compiled and run with the same flags as the server itself.

import { createClient } from "redis"

interface Names {
  own: string
  to: string
}

const redisUrl = process.env["REDIS_URL"]
const commands = redisUrl ? createClient({ url: redisUrl }) : null
const certificate = process.env["TLS_CERT"]
const tls = certificate
  ? {
      cert: Bun.file(certificate),
      key: Bun.file(process.env["TLS_KEY"] ?? ""),
      lowMemoryMode: Boolean(process.env["TLS_LOW_MEMORY"]),
    }
  : undefined
const otherNode = `forward:${process.env["NODE_PEER"]}`

const server = Bun.serve<Names>({
  port: Number(process.env["PORT"] ?? 0),
  reusePort: Boolean(process.env["SHARED"]),
  ...(tls && { tls }),
  fetch(request, server) {
    const query = new URL(request.url).searchParams
    const data = { own: query.get("own") ?? "", to: query.get("to") ?? "" }
    if (server.upgrade(request, { data })) return
    return new Response("forwarder")
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.subscribe(socket.data.own)
    },
    message: commands
      ? (socket, message) => {
          commands.publish(otherNode, `${socket.data.to}\n${message}`)
        }
      : (socket, message) => {
          server.publish(socket.data.to, message)
        },
  },
})

if (commands) {
  const subscriber = commands.duplicate()
  await Promise.all([commands.connect(), subscriber.connect()])
  await subscriber.subscribe(`forward:${process.env["NODE_NAME"]}`, (message) => {
    const end = message.indexOf("\n")
    server.publish(message.slice(0, end), message.slice(end + 1))
  })
}
console.log(`socket ${tls ? "wss" : "ws"}://localhost:${server.port}/`)
