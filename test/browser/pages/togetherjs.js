// Says what TogetherJS says to its hub, which no registry has: hello and hello-back, a chat, a form edited by all with
// server-echo, a call, and a new connection after one that broke. The test drives it through `drive`.

const query = new URLSearchParams(location.search)
const name = query.get("name")
const clientId = `${name}.${Math.random().toString(36).slice(2)}`
/** 0, 50, 100 ... 1500 ms between the tries to connect. */
const BACKOFF_STEP_MS = 50
const BACKOFF_MOST_MS = 1500

const peers = new Map()
const chats = []
const counts = []
const form = []
let socket
let backoff = 0
/** One message after the other, however long the camera takes. */
let last = Promise.resolve()
let call
/** Candidates that came before the description they belong to. */
const early = []

function send(message) {
  socket.send(JSON.stringify({ ...message, clientId }))
}

function hello(type) {
  send({
    name,
    avatar: "",
    color: "#dab6e3",
    url: location.href,
    urlHash: "",
    title: document.title,
    rtcSupported: true,
    isClient: true,
    type,
    clientVersion: "unknown",
    starting: false,
  })
}

function connect() {
  socket = new WebSocket(`${query.get("socket")}hub/${query.get("room")}`)
  socket.onmessage = ({ data }) => {
    // What fails is told, and holds up nothing behind it.
    last = last.then(() => onMessage(JSON.parse(data))).catch(reportError)
  }
  socket.onclose = () => {
    setTimeout(connect, backoff)
    backoff = Math.min(backoff + BACKOFF_STEP_MS, BACKOFF_MOST_MS)
  }
}

async function onMessage(message) {
  switch (message.type) {
    case "init-connection":
      backoff = 0
      // Once, as TogetherJS does: with the first connection that the hub has greeted, not the first that was tried.
      if (counts.push(message.peerCount) === 1) hello("hello")
      break
    case "hello":
      peers.set(message.clientId, message.name)
      hello("hello-back")
      break
    case "hello-back":
      peers.set(message.clientId, message.name)
      break
    case "bye":
      peers.delete(message.clientId)
      break
    case "chat":
      chats.push(message.text)
      break
    case "form-update":
      form.push(message.piece)
      break
    case "rtc-offer":
      await makeCall()
      await describe({ type: "offer", sdp: message.offer })
      await call.setLocalDescription(await call.createAnswer())
      send({ type: "rtc-answer", answer: call.localDescription.sdp })
      break
    case "rtc-answer":
      await describe({ type: "answer", sdp: message.answer })
      break
    case "rtc-ice-candidate":
      if (call?.remoteDescription) await call.addIceCandidate(message.candidate)
      else early.push(message.candidate)
  }
}

async function describe(description) {
  await call.setRemoteDescription(description)
  for (const candidate of early.splice(0)) await call.addIceCandidate(candidate)
}

async function makeCall() {
  call = new RTCPeerConnection({ iceServers: [] })
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
  for (const track of stream.getTracks()) call.addTrack(track, stream)
  call.onicecandidate = ({ candidate }) => {
    if (candidate === null) return
    const { sdpMLineIndex, sdpMid } = candidate
    send({ type: "rtc-ice-candidate", candidate: { sdpMLineIndex, sdpMid, candidate: candidate.candidate } })
  }
}

window.drive = {
  peers: () => [...peers.values()].sort(),
  chats: () => chats,
  counts: () => counts,
  form: () => form.join(""),
  chat: (text) => send({ type: "chat", text }),
  edit: (piece) => send({ type: "form-update", "server-echo": true, piece }),
  async call() {
    await makeCall()
    await call.setLocalDescription(await call.createOffer())
    send({ type: "rtc-offer", offer: call.localDescription.sdp })
  },
  state: () => call?.connectionState,
  breakOff: () => socket.close(),
  isOpen: () => socket.readyState === WebSocket.OPEN,
  leave() {
    send({ type: "bye" })
    socket.onclose = null
    socket.close()
  },
}
connect()
