// The connection to one peer: perfect negotiation over the signaling client, one transceiver for sound and one for
// pictures, further ones for screens, and the data channels. Knows nothing of rooms; mesh.ts decides who begins.
//
// Who begins is decided as palava-client decides it, so normally one side offers and the other answers. When both offer
// at once all the same (an ICE restart from both ends), the impolite side ignores the other's offer and the polite one
// takes its own back.
import { Emitter } from "../emitter.ts"
import type { Description, PeerMessage, ReceivedMessage } from "../messages.ts"

/** How the connection to a peer stands. `unstable`: broken, most likely for a moment; `failed`: being made anew. */
export type LinkState = "connecting" | "connected" | "unstable" | "failed"

/** What can be sent over a data channel. */
export type ChannelData = string | ArrayBuffer

/** What a track is for: sound, the picture, or the screen beside it. */
export type TrackKind = "audio" | "video" | "screen"

/** What is sent of each kind. */
export type OwnTracks = Record<TrackKind, MediaStreamTrack | undefined>

interface LinkEvents {
  state: LinkState
  track: { kind: TrackKind; track: MediaStreamTrack }
  data: { label: string; data: ChannelData }
}

export interface LinkOptions {
  /** Whether we give way when both sides begin. The two ids decide it: both sides know both. */
  readonly givesWay: boolean
  readonly configuration: RTCConfiguration
  /** By label. */
  readonly channels: Readonly<Record<string, RTCDataChannelInit>>
  /** Of this moment, whenever asked. */
  readonly tracks: OwnTracks
  send(message: PeerMessage): void
}

/** 5 s: shorter breaks of a mobile network heal by themselves, and a restart would only lengthen them. */
const RESTART_AFTER_MS = 5_000
/** 2 s: ten times what an answer takes to come. Longer without one, after a collision, means that our offer was lost. */
const REPEAT_AFTER_MS = 2_000
/** 20 messages sent before a channel opened; whoever sends more will see that nobody answers. */
const MAX_WAITING = 20

const KINDS = ["audio", "video"] as const

export class Link extends Emitter<LinkEvents> {
  readonly #options: LinkOptions
  #connection: RTCPeerConnection
  /** STUN error codes of the relays, as the browser told them; it tells each once. */
  readonly relayErrors = new Set<number>()
  // Only groups the two tracks for the other side; palava-client reads the stream of a track.
  readonly #stream = new MediaStream()
  readonly #channels = new Map<string, RTCDataChannel>()
  /** The own screen's, once it was shared. */
  #screen: RTCRtpTransceiver | undefined
  #waiting: { label: string; data: ChannelData }[] = []
  #began = false
  #makingOffer = false
  #ignoringOffer = false
  #takingAnswer = false
  #restartTimer: ReturnType<typeof setTimeout> | undefined
  #repeatTimer: ReturnType<typeof setTimeout> | undefined
  state: LinkState = "connecting"

  constructor(options: LinkOptions) {
    super()
    this.#options = options
    this.#connection = this.#connect()
  }

  /** The browser's own, to read statistics or set parameters. Another one after both sides began at once. */
  get connection(): RTCPeerConnection {
    return this.#connection
  }

  /** Makes what is to be negotiated, which makes the browser ask for an offer. The other side only waits. */
  begin(): void {
    this.#began = true
    for (const kind of KINDS) this.#connection.addTransceiver(kind, { streams: [this.#stream] })
    for (const [label, init] of Object.entries(this.#options.channels)) {
      this.#use(this.#connection.createDataChannel(label, init))
    }
    this.sendTracks()
  }

  /** What the other side said, in the order sent. */
  async receive(message: ReceivedMessage): Promise<void> {
    try {
      if (message.event === "ice_candidate") await this.#connection.addIceCandidate(message.candidate)
      else if (message.event !== "message") await this.#onDescription(message.sdp)
    } catch (error) {
      // Candidates that belong to an ignored offer, or to one that was lost, fit nothing.
      const fitsNothing = this.#ignoringOffer || this.#connection.remoteDescription === null
      if (message.event !== "ice_candidate" || !fitsNothing) this.#complain(error)
    }
  }

  /** Puts the own tracks of this moment on the wire. Only a screen needs negotiation: the other transceivers are there already. */
  sendTracks(): void {
    for (const kind of KINDS) {
      const sender = this.#first(kind)?.sender
      const track = this.#options.tracks[kind] ?? null
      if (sender !== undefined && sender.track !== track) sender.replaceTrack(track).catch(() => undefined)
    }
    this.#sendScreen()
  }

  /** What sends a track of this kind; undefined while there is nothing to send it with. */
  senderOf(kind: TrackKind): RTCRtpSender | undefined {
    return kind === "screen" ? this.#screen?.sender : this.#first(kind)?.sender
  }

  /** Sends over the channel of this label; a few wait until it opens. False when it is lost. */
  send(data: ChannelData, label: string): boolean {
    const channel = this.#channels.get(label)
    if (channel?.readyState === "open") {
      channel.send(data as string)
      return true
    }
    return this.#waiting.length < MAX_WAITING && this.#waiting.push({ label, data }) > 0
  }

  /** Finds new ways through the network. What was under way to the other side may be lost. */
  restart(): void {
    if (this.#connection.signalingState === "have-local-offer") this.#sendDescription()
    else if (!this.#isFirst()) this.#connection.restartIce()
    // The offer that was waited for may be what was lost.
    else if (!this.#began) this.begin()
  }

  /** Servers to use from the next restart on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers })
  }

  close(): void {
    clearTimeout(this.#restartTimer)
    clearTimeout(this.#repeatTimer)
    this.#disconnect()
  }

  #connect(): RTCPeerConnection {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...this.#options.configuration })
    connection.onnegotiationneeded = () => this.#offer()
    connection.onicecandidate = ({ candidate }) => {
      if (candidate !== null) this.#options.send({ event: "ice_candidate", candidate })
    }
    connection.onicecandidateerror = ({ errorCode, url }) => {
      if (url?.startsWith("turn")) this.relayErrors.add(errorCode)
    }
    connection.ontrack = ({ track, transceiver }) => {
      const kind = track.kind as "audio" | "video"
      this.emit("track", { kind: transceiver === this.#first(kind) ? kind : "screen", track })
    }
    connection.ondatachannel = ({ channel }) => this.#use(channel)
    connection.onconnectionstatechange = () => this.#onConnectionState()
    return connection
  }

  #disconnect(): void {
    this.#connection.onnegotiationneeded = null
    this.#connection.onicecandidate = null
    this.#connection.onicecandidateerror = null
    this.#connection.onconnectionstatechange = null
    this.#connection.close()
  }

  async #offer(): Promise<void> {
    try {
      this.#makingOffer = true
      await this.#connection.setLocalDescription()
      this.#sendDescription()
    } catch (error) {
      this.#complain(error)
    } finally {
      this.#makingOffer = false
    }
  }

  async #onDescription(description: Description): Promise<void> {
    const { signalingState } = this.#connection
    // The second answer to an offer that was sent twice.
    if (description.type === "answer" && (signalingState !== "have-local-offer" || this.#takingAnswer)) return
    // An offer right behind an answer meets a connection that is stable in a moment.
    const isReady = !this.#makingOffer && (signalingState === "stable" || this.#takingAnswer)
    const collides = description.type === "offer" && !isReady
    this.#ignoringOffer = collides && !this.#isPolite()
    if (this.#ignoringOffer) {
      this.#repeatTimer = setTimeout(() => {
        if (this.#connection.signalingState === "have-local-offer") this.#sendDescription()
      }, REPEAT_AFTER_MS)
      return
    }
    if (collides && this.#isFirst()) {
      // Both began, and we give way: anew, as the side that waits. Taking the offer back would leave transceivers that
      // belong to nothing, and Chromium would negotiate about them without end.
      this.#disconnect()
      this.#connection = this.#connect()
      this.#began = this.#makingOffer = false
      this.#screen = undefined
    }
    this.#takingAnswer = description.type === "answer"
    // Takes the own offer back first, when there is one.
    await this.#connection.setRemoteDescription(description).finally(() => {
      this.#takingAnswer = false
    })
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

  /** The other side's offer made transceivers; send over them, and add what it left out. */
  #adoptTransceivers(): void {
    for (const kind of KINDS) {
      const transceiver = this.#first(kind)
      if (transceiver === undefined) this.#connection.addTransceiver(kind, { streams: [this.#stream] })
      else if (transceiver.currentDirection === null) {
        transceiver.direction = "sendrecv"
        transceiver.sender.setStreams?.(this.#stream)
      }
    }
    this.sendTracks()
  }

  /** The transceiver for sound or for the picture. Later ones of the kind are screens: who begins makes these two first. */
  #first(kind: "audio" | "video"): RTCRtpTransceiver | undefined {
    return this.#connection.getTransceivers().find(({ receiver }) => receiver.track.kind === kind)
  }

  #sendScreen(): void {
    const track = this.#options.tracks.screen
    if (this.#screen === undefined) {
      if (track === undefined || this.#first("video") === undefined) return
      this.#screen = this.#connection.addTransceiver(track, { direction: "sendonly", streams: [new MediaStream()] })
      return
    }
    if (this.#screen.sender.track !== (track ?? null))
      this.#screen.sender.replaceTrack(track ?? null).catch(() => undefined)
    // By this the other side learns that it is over.
    this.#screen.direction = track === undefined ? "inactive" : "sendonly"
  }

  #sendDescription(): void {
    const description = this.#connection.localDescription
    if (description?.type === "offer" || description?.type === "answer") {
      this.#options.send({ event: description.type, sdp: description })
    }
  }

  #use(channel: RTCDataChannel): void {
    const { label } = channel
    this.#channels.set(label, channel)
    channel.binaryType = "arraybuffer"
    channel.onmessage = ({ data }) => this.emit("data", { label, data })
    const flush = () => {
      const waited = this.#waiting
      this.#waiting = waited.filter((message) => message.label !== label)
      for (const { data } of waited.filter((message) => message.label === label)) channel.send(data as string)
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
        this.#restartTimer = setTimeout(() => this.restart(), RESTART_AFTER_MS)
        this.#become("unstable")
        break
      case "failed":
        this.restart()
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

  #complain(error: unknown): void {
    if (this.#connection.signalingState !== "closed") console.error("negotiation failed", error)
  }
}
