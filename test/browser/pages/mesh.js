// A call with ?socket (of the server that has the scripts, too), ?room, ?name and ?agent. Shows everybody's picture, and
// keeps what it heard. The camera is a canvas, so that a test can tell the pictures of two tracks by their colours.
const query = new URLSearchParams(location.search)
const scripts = query.get("socket").replace(/^ws/, "http")
const { SignalingClient } = await import(`${scripts}client.js`)
const { mesh } = await import(`${scripts}mesh.js`)

const client = new SignalingClient(query.get("socket"))
const call = mesh(client, {
  stream: paint("red"),
  channels: { chat: {}, fast: { ordered: false, maxRetransmits: 0 } },
})
const heard = []
const left = []

function paint(colour) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 })
  const pen = canvas.getContext("2d")
  let step = 0
  setInterval(() => {
    pen.fillStyle = colour
    pen.fillRect(0, 0, 160, 120)
    pen.fillStyle = "white"
    pen.fillRect(step++ % 160, 110, 10, 10)
  }, 50)
  return canvas.captureStream(20)
}

call.on("peer_came", (peer) => {
  const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: peer.stream })
  video.peer = peer
  document.body.append(video)
})
call.on("peer_left", (peer) => {
  left.push(peer.status.name)
  videoOf(peer.status.name)?.remove()
})
call.on("data", ({ peer, label, data }) => {
  const text = typeof data === "string" ? data : `bytes ${[...new Uint8Array(data)]}`
  heard.push(`${peer.status.name} ${label} ${text}`)
})

function videoOf(name) {
  return [...document.querySelectorAll("video")].find(({ peer }) => peer.status.name === name)
}

globalThis.drive = {
  client,
  call,
  heard,
  left,
  peer: (name) => [...call.peers.values()].find(({ status }) => status.name === name),
  frames: (name) => videoOf(name)?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
  /** The colour in the middle of somebody's picture. */
  colour: (name) => {
    const video = videoOf(name)
    if (video === undefined || video.videoWidth === 0) return "none"
    const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d")
    pen.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1)
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data
    return red > green + blue ? "red" : blue > red + green ? "blue" : "other"
  },
  show: (colour) => call.setTrack("video", paint(colour).getVideoTracks()[0]),
  credentials: (name) => drive.peer(name).connection.localDescription.sdp.match(/a=ice-ufrag:(\S+)/)[1],
}
const agent = query.get("agent")
await client.join(query.get("room"), {
  name: query.get("name"),
  ...(agent === null ? {} : { user_agent: agent }),
})
