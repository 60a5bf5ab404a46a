// The floor: what a relay that stamps its sender cannot do without, and nothing else.
//
// A connection names its own id (`?own=`). Of a `send_to_peer` frame the target is cut out and looked up, then the data,
// to which the sender's id is joined, and the text is published at the target's topic. Nothing is checked or counted:
// no JSON, no budget, no room. With TLS_CERT and TLS_KEY it speaks wss. Compiled with the same flags as the server itself.

interface Sender {
  id: string
  /** What ends each frame that it relays. */
  end: string
}

const PEER_ID_AT = '{"event":"send_to_peer","peer_id":"'.length
/** A UUID's length. */
const PEER_ID_END = PEER_ID_AT + 36
const DATA_AT = PEER_ID_END + '","data":'.length
/** The braces that close the data and the frame. */
const TAIL = -"}}".length

const topics = new Map<string, string>()
const certificate = process.env["TLS_CERT"]
const tls = certificate ? { cert: Bun.file(certificate), key: Bun.file(process.env["TLS_KEY"] ?? "") } : undefined

const server = Bun.serve<Sender>({
  port: Number(process.env["PORT"] ?? 0),
  ...(tls && { tls }),
  fetch(request, server) {
    const id = new URL(request.url).searchParams.get("own") ?? ""
    if (server.upgrade(request, { data: { id, end: `,"sender_id":"${id}"}` } })) return
    return new Response("floor")
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      const { id } = socket.data
      topics.set(id, id)
      socket.subscribe(id)
    },
    message(socket, message) {
      const text = message as string
      const topic = topics.get(text.slice(PEER_ID_AT, PEER_ID_END))
      if (topic !== undefined) server.publish(topic, text.slice(DATA_AT, TAIL) + socket.data.end)
    },
    close(socket) {
      topics.delete(socket.data.id)
    },
  },
})

console.log(`socket ${tls ? "wss" : "ws"}://localhost:${server.port}/`)
