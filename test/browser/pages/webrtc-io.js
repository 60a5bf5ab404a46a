// Makes calls by the unmodified npm package webrtc.io-client; the test drives it through `drive`. The package is of 2012:
// what browsers have taken away since, calls with callbacks and candidates without a line, is given back to it first.

const Peer = window.RTCPeerConnection
for (const name of ["createOffer", "createAnswer"]) {
  const original = Peer.prototype[name]
  Peer.prototype[name] = function (callback) {
    return original.call(this).then(callback)
  }
}
window.RTCIceCandidate = class extends window.RTCIceCandidate {
  constructor(data) {
    super({ sdpMLineIndex: 0, ...data })
  }
}
window.PeerConnection = class extends Peer {
  constructor() {
    super({ iceServers: [] })
  }
}

window.start = () => {
  const { rtc } = window
  const query = new URLSearchParams(location.search)
  const remote = new Map()
  const left = []
  rtc.on("add remote stream", (stream, id) => {
    const video = document.createElement("video")
    Object.assign(video, { srcObject: stream, muted: true, autoplay: true })
    document.body.append(video)
    remote.set(id, video)
  })
  rtc.on("disconnect stream", (id) => {
    left.push(id)
    remote.get(id)?.remove()
    remote.delete(id)
  })
  window.drive = {
    seen: () => [...remote.values()].map(({ currentTime, videoWidth }) => ({ currentTime, videoWidth })),
    left: () => left.length,
    others: () => rtc.connections.length,
    leave: () => rtc._socket.close(),
  }
  rtc.createStream({ video: true, audio: false }, () => rtc.connect(query.get("socket"), query.get("room")))
  // Its own signal comes when the camera is there; the members of the room are known a moment later.
  rtc.on("connections", () => rtc.fire("ready"))
}
