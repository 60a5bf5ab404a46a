// What a small page on palava-client does: joins by the query (?socket, room, name), shows everybody's picture, and
// keeps what it heard for the test to ask. Plain script, as palava-client's bundle is one.
const query = new URLSearchParams(location.search)
const messages = []
const events = []

const session = new palava.Session({
  roomId: query.get("room"),
  webSocketAddress: query.get("socket"),
  identity: new palava.Identity({ name: query.get("name"), userMediaConfig: { video: true, audio: true } }),
  // It insists on one; nobody answers there, and on one machine none is needed.
  stun: "stun:127.0.0.1:9",
  // 30 s instead of its 1 s, after which it gives up for good: the machine may be busy.
  joinTimeout: 30_000,
  dataChannels: { talk: {} },
})

function attach(peer) {
  peer.on("message", (data) => messages.push({ from: peer.status.name, over: "server", data }))
  palava.browser.attachPeer(videoOf(peer), peer)
}

function videoOf(peer) {
  const found = document.querySelector(`video[data-peer="${peer.id}"]`)
  if (found !== null) return found
  const video = document.createElement("video")
  video.dataset.peer = peer.id
  video.muted = true
  document.body.append(video)
  return video
}

for (const name of ["room_joined", "room_join_error", "signaling_error", "signaling_close", "peer_oaerror"]) {
  session.on(name, (...details) => events.push([name, ...details.map(String)]))
}
session.on("room_joined", (room) => room.getRemotePeers().forEach(attach))
session.on("peer_joined", attach)
session.on("peer_left", (peer) => videoOf(peer).remove())
session.on("peer_channel_ready", (peer, _label, channel) => {
  peer.channel = channel
  channel.on("message", (data) => messages.push({ from: peer.status.name, over: "channel", data }))
})
session.connect({})

const peers = () => session.getRoom()?.getRemotePeers() ?? []

window.drive = {
  events,
  hasJoined: () => events.some(([name]) => name === "room_joined"),
  /** Each peer's name, how its connection is, and how many of its pictures were shown. */
  peers: () =>
    peers().map((peer) => ({
      name: peer.status.name,
      ice: peer.peerConnection.iceConnectionState,
      frames: videoOf(peer).getVideoPlaybackQuality().totalVideoFrames,
      channel: peer.channel !== undefined,
    })),
  heard: (from, over, data) => messages.some((one) => one.from === from && one.over === over && one.data === data),
  say: (name, data) =>
    peers()
      .find((peer) => peer.status.name === name)
      .sendMessage(data),
  sayOverChannel: (name, data) =>
    peers()
      .find((peer) => peer.status.name === name)
      .channel.send(data),
  rename: (name) => session.getRoom().getLocalPeer().updateStatus({ name }),
  leave: () => session.destroy(),
}
