// What a small page on SimpleWebRTC does: joins by the query (?server, room, name), shows everybody's picture, and keeps
// what it heard for the test to ask. Plain script, as the package's bundle is one.
const query = new URLSearchParams(location.search)
const messages = []
const errors = []

const webrtc = new SimpleWebRTC({
  url: query.get("server"),
  nick: query.get("name"),
  localVideoEl: "local",
  remoteVideosEl: "remotes",
  autoRequestMedia: true,
})

let isIn = false
webrtc.on("readyToCall", () => {
  webrtc.joinRoom(query.get("room"), () => {
    isIn = true
  })
})
webrtc.on("error", (error) => errors.push(String(error)))
webrtc.connection.on("message", ({ type, from, payload }) => messages.push({ type, from, payload }))

const videoOf = (peer) => document.getElementById(webrtc.getDomId(peer))

window.drive = {
  errors,
  hasJoined: () => isIn,
  id: () => webrtc.connection.getSessionid(),
  transport: () => webrtc.connection.connection.io.engine.transport.name,
  iceServers: () => webrtc.webrtc.config.peerConnectionConfig.iceServers,
  /** Each peer's name, how its connection is, and how many of its pictures were shown. */
  peers: () =>
    webrtc.getPeers().map((peer) => ({
      name: peer.nick,
      ice: peer.pc.iceConnectionState,
      frames: videoOf(peer)?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
    })),
  say: (text) => webrtc.sendToAll("chat", { text }),
  heard: (from, text) => messages.some((one) => one.type === "chat" && one.from === from && one.payload.text === text),
  mute: () => webrtc.mute(),
  heardMute: (from) => messages.some((one) => one.type === "mute" && one.from === from),
  leave: () => webrtc.leaveRoom(),
}
