// A peer by the unmodified npm package peerjs; the test drives it through `drive`.

const query = new URLSearchParams(location.search)
const { hostname, port, pathname } = new URL(query.get("socket"))
const options = {
  host: hostname,
  port: Number(port),
  path: pathname,
  // No STUN server of others.
  config: { iceServers: [] },
}
const given = query.get("id")
const peer = given === null ? new Peer(options) : new Peer(given, options)

const opened = []
const errors = []
const heard = []
const streams = []
let channel

peer.on("open", (id) => opened.push(id))
peer.on("error", ({ type }) => errors.push(type))
peer.on("connection", take)
peer.on("call", async (call) => {
  call.on("stream", show)
  call.answer(await camera())
})

function take(connection) {
  channel = connection
  connection.on("data", (data) => heard.push(data))
}

function show(stream) {
  if (streams.some(({ srcObject }) => srcObject === stream)) return
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, autoplay: true })
  document.body.append(video)
  streams.push(video)
}

function camera() {
  return navigator.mediaDevices.getUserMedia({ video: { width: 160, height: 120 }, audio: true })
}

window.drive = {
  opened: () => opened,
  errors: () => errors,
  heard: () => heard,
  isOpen: () => channel?.open === true,
  sees: () => streams.some(({ videoWidth, currentTime }) => videoWidth > 0 && currentTime > 0),
  connect: (id) => take(peer.connect(id, { reliable: true, metadata: { from: "test", list: [1, "ü"] } })),
  metadata: () => channel.metadata,
  say: (data) => channel.send(data),
  call: async (id) => peer.call(id, await camera()).on("stream", show),
  comeBack: () => {
    peer.disconnect()
    peer.reconnect()
  },
  leave: () => peer.destroy(),
}
