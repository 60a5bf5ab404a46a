// The connection to one peer: perfect negotiation over the signaling client, two transceivers, one chat channel.
//
// Who begins is decided as palava-client decides it (see call.ts), so normally one side offers and the other answers.
// When both offer at once all the same (an ICE restart from both ends), the impolite side ignores the other's offer
// and the polite one takes its own back.
import {
  type Candidate,
  type Description,
  Emitter,
  type IceServer,
  type PeerMessage,
  type ReceivedMessage,
} from "../../client/index.ts"
import type { LocalMedia } from "./media.ts"

export type LinkState = "connecting" | "connected" | "unstable" | "failed"

interface LinkEvents {
  state: LinkState
  track: MediaStreamTrack
  chat: string
}

export interface LinkOptions {
  /** Whether we give way when both sides begin. The two ids decide it: both sides know both. */
  givesWay: boolean
  iceServers: IceServer[]
  media: LocalMedia
  send(message: PeerMessage): void
}

/** 5 s: shorter breaks of a mobile network heal by themselves, and a restart would only lengthen them. */
const RESTART_AFTER_MS = 5_000
/** 20 messages written before the channel opened; whoever writes more will see that nobody answers. */
const MAX_WAITING_CHATS = 20

export class PeerLink extends Emitter<LinkEvents> {
  readonly #options: LinkOptions
  #connection: RTCPeerConnection
  // Only groups the two tracks for the other side; palava-client reads the stream of a track.
  readonly #stream = new MediaStream()
  #channel: RTCDataChannel | undefined
  #waitingChats: string[] = []
  #began = false
  #makingOffer = false
  #ignoringOffer = false
  #restartTimer: ReturnType<typeof setTimeout> | undefined
  state: LinkState = "connecting"

  constructor(options: LinkOptions) {
    super()
    this.#options = options
    this.#connection = this.#connect()
  }

  /** Makes what is to be negotiated, which makes the browser ask for an offer. The other side only waits. */
  begin(): void {
    this.#began = true
    for (const kind of ["audio", "video"]) this.#connection.addTransceiver(kind, { streams: [this.#stream] })
    this.#useChannel(this.#connection.createDataChannel("chat"))
    this.sendTracks()
  }

  /** An offer, answer or candidate of the other side, in the order sent. */
  async receive(message: ReceivedMessage): Promise<void> {
    try {
      if (message.event === "ice_candidate") await this.#onCandidate(message.candidate)
      else if (message.event !== "message") await this.#onDescription(message.sdp)
    } catch (error) {
      if (this.#connection.signalingState !== "closed") console.error("negotiation failed", error)
    }
  }

  /** Puts the own tracks of this moment on the wire. Needs no negotiation: the transceivers are there already. */
  sendTracks(): void {
    const { microphone, camera } = this.#options.media
    for (const { sender, receiver } of this.#connection.getTransceivers()) {
      const track = (receiver.track.kind === "audio" ? microphone : camera) ?? null
      if (sender.track !== track) sender.replaceTrack(track).catch(() => undefined)
    }
  }

  /** Caps the picture in bits and size, because each further peer costs another encoding and a share of the upload. */
  async limitVideo(bitsPerSecond: number, shrinkBy: number): Promise<void> {
    for (const { sender, receiver } of this.#connection.getTransceivers()) {
      if (receiver.track.kind !== "video") continue
      const parameters = sender.getParameters()
      const encoding = parameters.encodings?.[0]
      if (encoding === undefined) continue
      encoding.maxBitrate = bitsPerSecond
      encoding.scaleResolutionDownBy = shrinkBy
      await sender.setParameters(parameters).catch(() => undefined)
    }
  }

  sendChat(text: string): void {
    if (this.#channel?.readyState === "open") this.#channel.send(text)
    else if (this.#waitingChats.length < MAX_WAITING_CHATS) this.#waitingChats.push(text)
  }

  /** How loud the peer is, 0 to 1, as the browser measured it on the packets. */
  level(): number {
    const receiver = this.#connection.getReceivers().find(({ track }) => track.kind === "audio")
    return receiver?.getSynchronizationSources?.()[0]?.audioLevel ?? 0
  }

  close(): void {
    clearTimeout(this.#restartTimer)
    this.#disconnect()
  }

  #connect(): RTCPeerConnection {
    const { iceServers, send } = this.#options
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" })
    connection.onnegotiationneeded = () => this.#offer()
    connection.onicecandidate = ({ candidate }) => {
      if (candidate !== null) send({ event: "ice_candidate", candidate })
    }
    connection.ontrack = ({ track }) => this.emit("track", track)
    connection.ondatachannel = ({ channel }) => this.#useChannel(channel)
    connection.onconnectionstatechange = () => this.#onConnectionState()
    return connection
  }

  #disconnect(): void {
    this.#connection.onnegotiationneeded = null
    this.#connection.onicecandidate = null
    this.#connection.onconnectionstatechange = null
    this.#connection.close()
  }

  async #offer(): Promise<void> {
    try {
      this.#makingOffer = true
      await this.#connection.setLocalDescription()
      this.#sendDescription()
    } catch (error) {
      if (this.#connection.signalingState !== "closed") console.error("making an offer failed", error)
    } finally {
      this.#makingOffer = false
    }
  }

  async #onDescription(description: Description): Promise<void> {
    const collides = description.type === "offer" && (this.#makingOffer || this.#connection.signalingState !== "stable")
    this.#ignoringOffer = collides && !this.#isPolite()
    if (this.#ignoringOffer) return
    if (collides && this.#isFirst()) {
      // Both began, and we give way: anew, as the side that waits. Taking the offer back would leave transceivers that
      // belong to nothing, and Chromium would negotiate about them without end.
      this.#disconnect()
      this.#connection = this.#connect()
      this.#began = this.#makingOffer = false
    }
    // Takes the own offer back first, when there is one.
    await this.#connection.setRemoteDescription(description)
    if (description.type === "answer") return
    this.#adoptTransceivers()
    await this.#connection.setLocalDescription()
    this.#sendDescription()
  }

  /**
   * Later on the side that began is the polite one: Chromium (156) shows no more pictures of the other side once it took
   * an offer back on a connection that it did not begin.
   */
  #isPolite(): boolean {
    return this.#isFirst() ? this.#options.givesWay : this.#began
  }

  /** Before the first offer was answered. */
  #isFirst(): boolean {
    return this.#connection.currentLocalDescription === null
  }

  async #onCandidate(candidate: Candidate): Promise<void> {
    try {
      await this.#connection.addIceCandidate(candidate)
    } catch (error) {
      // Those that belong to an ignored offer fit nothing.
      if (!this.#ignoringOffer) throw error
    }
  }

  /** The other side's offer made transceivers; send over them, and add what it left out. */
  #adoptTransceivers(): void {
    const transceivers = this.#connection.getTransceivers()
    for (const transceiver of transceivers) {
      if (transceiver.currentDirection !== null) continue
      transceiver.direction = "sendrecv"
      transceiver.sender.setStreams?.(this.#stream)
    }
    for (const kind of ["audio", "video"]) {
      if (!transceivers.some(({ receiver }) => receiver.track.kind === kind)) {
        this.#connection.addTransceiver(kind, { streams: [this.#stream] })
      }
    }
    this.sendTracks()
  }

  #sendDescription(): void {
    const description = this.#connection.localDescription
    if (description === null || (description.type !== "offer" && description.type !== "answer")) return
    this.#options.send({ event: description.type, sdp: description })
  }

  #useChannel(channel: RTCDataChannel): void {
    this.#channel = channel
    channel.onmessage = ({ data }) => typeof data === "string" && this.emit("chat", data)
    const flush = () => {
      for (const text of this.#waitingChats.splice(0)) channel.send(text)
    }
    channel.onopen = flush
    if (channel.readyState === "open") flush()
  }

  #onConnectionState(): void {
    clearTimeout(this.#restartTimer)
    switch (this.#connection.connectionState) {
      case "connected":
        this.#become("connected")
        break
      case "disconnected":
        this.#restartTimer = setTimeout(() => this.#connection.restartIce(), RESTART_AFTER_MS)
        this.#become("unstable")
        break
      case "failed":
        this.#connection.restartIce()
        this.#become("failed")
        break
      default:
        // A restart after a failure is no news until it worked.
        if (this.state === "connected") this.#become("connecting")
    }
  }

  #become(state: LinkState): void {
    this.state = state
    this.emit("state", state)
  }
}
