// Somebody else in the room, for a page: who it is, what comes from it, and the link to it. The link may be replaced by
// another, when one of the two had to join anew; what comes over the old one is shown until the new one works.
import type { Status } from "../index.ts"
import type { ChannelData, Link, LinkState } from "./link.ts"
import { type Obstacle, obstacleOf } from "./obstacle.ts"
import { type Quality, QualityMeter } from "./quality.ts"

/** 3 s: the first picture comes within one of the connection; a peer whose camera is off sends none. */
const FLOWS_WITHIN_MS = 3_000

/** Told by a peer: something of it changed; something came over a data channel. */
export interface PeerListener {
  onChange(peer: Peer): void
  onState(peer: Peer, state: LinkState): void
  onData(peer: Peer, label: string, data: ChannelData): void
}

/** Somebody else in the room. The object stays the same for as long as somebody is shown. */
export interface MeshPeer {
  /** In the room; a new one when the peer joined anew. */
  readonly id: string
  readonly status: Status
  /** What comes from this peer; empty until it comes. */
  readonly stream: MediaStream
  /** The screen that this peer shares, while it does. */
  readonly screen: MediaStreamTrack | undefined
  readonly state: LinkState
  /** How loud this peer is now, 0 to 1, as the browser measured it on the packets. */
  readonly level: number
  /** The browser's own connection, to read statistics or set parameters. Another one after the peer joined anew. */
  readonly connection: RTCPeerConnection
  /** Sends over a data channel. Messages wait until it opens, twenty at most; false when this one is lost. */
  send(data: ChannelData, label?: string): boolean
  /** How well it comes from this peer, since it was last asked. */
  quality(): Promise<Quality>
  /** What stands in the way of a connection that is not made. */
  obstacle(): Promise<Obstacle>
}

/** The same for the mesh. */
export class Peer implements MeshPeer {
  id: string
  status: Status
  readonly stream = new MediaStream()
  readonly #listener: PeerListener
  #link: Link
  /** The link before this one, while it still shows something. */
  #former: Link | undefined
  #tracks: MediaStreamTrack[] = []
  #screen: MediaStreamTrack | undefined
  readonly #meter = new QualityMeter()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(id: string, status: Status, link: Link, listener: PeerListener) {
    this.id = id
    this.status = status
    this.#link = link
    this.#listener = listener
    this.#listen(link)
  }

  get state(): LinkState {
    return this.#link.state
  }

  get connection(): RTCPeerConnection {
    return this.#link.connection
  }

  get screen(): MediaStreamTrack | undefined {
    return this.#screen?.muted === false ? this.#screen : undefined
  }

  get level(): number {
    const receiver = this.connection.getReceivers().find(({ track }) => track.kind === "audio")
    return receiver?.getSynchronizationSources?.()[0]?.audioLevel ?? 0
  }

  quality(): Promise<Quality> {
    return this.#meter.read(this.connection)
  }

  obstacle(): Promise<Obstacle> {
    return obstacleOf(this.connection, this.#link.relayErrors)
  }

  get link(): Link {
    return this.#link
  }

  send(data: ChannelData, label = "chat"): boolean {
    return this.#link.send(data, label)
  }

  /** Goes on under another id, over another link. */
  follow(id: string, status: Status, link: Link): void {
    this.id = id
    this.status = status
    // A broken one shows nothing; the one before it may.
    if (this.#link.state === "connected") {
      this.#dropFormer()
      this.#former = this.#link
    } else this.#link.close()
    this.#link = link
    this.#tracks = []
    this.#screen = undefined
    this.#listen(link)
  }

  close(): void {
    this.#dropFormer()
    this.#link.close()
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track)
  }

  #dropFormer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#former?.close()
    this.#former = undefined
  }

  #listen(link: Link): void {
    link.on("state", (state) => {
      if (link === this.#former && state !== "connected") this.#take()
      if (link !== this.#link) return
      if (state === "connected") {
        this.#takeWhenFlowing()
        if (this.#former !== undefined) this.#timer ??= setTimeout(() => this.#take(), FLOWS_WITHIN_MS)
      }
      this.#listener.onState(this, state)
    })
    link.on("track", ({ kind, track }) => {
      if (link !== this.#link) return
      if (kind === "screen") this.#screen = track
      else this.#tracks = [...this.#tracks.filter((other) => other.kind !== kind), track]
      track.onmute = track.onunmute = () => {
        this.#takeWhenFlowing()
        this.#listener.onChange(this)
      }
      this.#takeWhenFlowing()
    })
    link.on("data", ({ label, data }) => this.#listener.onData(this, label, data))
  }

  #takeWhenFlowing(): void {
    const flows = this.#link.state === "connected" && this.#tracks.every(({ muted }) => !muted)
    if (flows || this.#former === undefined) this.#take()
  }

  /** The tracks of the link take the places of the former one's. */
  #take(): void {
    this.#dropFormer()
    const shown = this.stream.getTracks()
    for (const old of shown) if (!this.#tracks.includes(old)) this.stream.removeTrack(old)
    for (const track of this.#tracks) if (!shown.includes(track)) this.stream.addTrack(track)
    this.#listener.onChange(this)
  }
}
