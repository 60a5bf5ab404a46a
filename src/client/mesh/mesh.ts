// Connections to everybody in the room: who is there, who begins, and who came back. A connection, once made, needs no
// server: nothing here ends one because the signaling is away.
import { Emitter } from "../emitter.ts"
import type { JoinedRoom, SignalingClient, Status } from "../index.ts"
import { keepFresh } from "./credentials.ts"
import { type ChannelData, Link, type OwnTracks, type TrackKind } from "./link.ts"
import { type MeshPeer, Peer } from "./peer.ts"
import { shareUpload } from "./upload.ts"

/** What to connect with. */
export interface MeshOptions {
  /** Sound and picture for everybody; `setTrack` changes them. */
  stream?: MediaStream
  /** Data channels by label, opened to everybody; one named `chat` when not given. */
  channels?: Readonly<Record<string, RTCDataChannelInit>>
  /** For each `new RTCPeerConnection`; ICE servers given here are used in place of the server's. */
  configuration?: RTCConfiguration
  /** What all pictures together may send, in bits a second; 2,500,000 when not given, 0 is no limit. Sound goes first. */
  uploadBitsPerSecond?: number
}

/** What listeners hear. */
export interface MeshEvents {
  peer_came: MeshPeer
  peer_left: MeshPeer
  /** Status, tracks or state of this peer changed. */
  peer_changed: MeshPeer
  /** Something came over a data channel. */
  data: { peer: MeshPeer; label: string; data: ChannelData }
}

/**
 * 20 s: when a server restarts without its memory, all come back within it (the client's waits end at 15 s). So long
 * somebody whose picture still flows is shown though the server does not know them any more.
 */
const LINGER_MS = 20_000

// 256 ids: five full rooms of people who joined anew; the oldest have been replaced long ago.
const MAX_REPLACED = 256

export class Mesh extends Emitter<MeshEvents> {
  readonly #client: SignalingClient
  readonly #options: MeshOptions
  readonly #tracks: OwnTracks
  readonly #peers = new Map<string, Peer>()
  readonly #cleanUp: (() => void)[]
  /** Peers the server lost, by the id they had, until they come back or their picture stops. */
  readonly #lingering = new Map<string, ReturnType<typeof setTimeout>>()
  /** Ids whose owners came back under another: as soon as their old link breaks they are gone. */
  readonly #replaced = new Set<string>()

  /** Made by `mesh()`. */
  constructor(client: SignalingClient, options: MeshOptions) {
    super()
    if (client.ownId !== undefined) throw new Error("make the mesh before the client joins a room")
    const { stream } = options
    this.#client = client
    this.#options = options
    this.#tracks = { audio: stream?.getAudioTracks()[0], video: stream?.getVideoTracks()[0], screen: undefined }
    this.#cleanUp = [
      client.on("joined_room", (joined) => this.#onJoined(joined)),
      client.on("resumed", ({ complete }) => complete || this.#restart()),
      client.on("new_peer", ({ peerId, status }) => this.#onNewPeer(peerId, status)),
      client.on("peer_left", ({ peerId, whileAway }) => this.#onPeerLeft(peerId, whileAway)),
      client.on("peer_updated_status", ({ peerId, status }) => this.#onStatus(peerId, status)),
      client.on("relayed", ({ peerId, message }) => void this.#peers.get(peerId)?.link.receive(message)),
      keepFresh(client, (servers) => this.#onFreshServers(servers)),
    ]
  }

  /** Everybody else, by id. */
  get peers(): ReadonlyMap<string, MeshPeer> {
    return this.#peers
  }

  /**
   * Sends this track to everybody from now on, in place of the one before; undefined sends nothing. A screen goes beside
   * the picture, and comes as `peer.screen`.
   */
  setTrack(kind: TrackKind, track: MediaStreamTrack | undefined): void {
    this.#tracks[kind] = track
    for (const { link } of this.#peers.values()) link.sendTracks()
    if (kind === "screen") this.#shareUpload()
  }

  /** Sends to everybody over their data channel of this label. */
  send(data: ChannelData, label = "chat"): void {
    for (const peer of this.#peers.values()) peer.send(data, label)
  }

  /** Ends all connections. The client stays in the room. */
  close(): void {
    for (const cleanUp of this.#cleanUp.splice(0)) cleanUp()
    for (const timer of this.#lingering.values()) clearTimeout(timer)
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
  }

  #onJoined({ peers }: JoinedRoom): void {
    for (const [id, status] of peers) {
      const { link } = this.#meet(id, status)
      // The newcomer waits to be offered to, unless it is no Chrome: the rule of palava-client.
      if (this.#client.status.user_agent !== "chrome") link.begin()
    }
  }

  #onNewPeer(id: string, status: Status): void {
    const { link } = this.#meet(id, status)
    if (status.user_agent === "chrome") link.begin()
  }

  #onPeerLeft(id: string, whileAway: boolean): void {
    if (whileAway && this.#peers.get(id)?.state === "connected") {
      this.#lingering.set(
        id,
        setTimeout(() => this.#remove(id), LINGER_MS),
      )
    } else this.#remove(id)
  }

  #onStatus(id: string, status: Status): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    peer.status = status
    this.emit("peer_changed", peer)
  }

  #onFreshServers(iceServers: RTCIceServer[]): void {
    if (this.#options.configuration?.iceServers !== undefined) return
    for (const { link } of this.#peers.values()) link.setIceServers(iceServers)
  }

  /** Offers, answers and candidates may be lost, in both directions. */
  #restart(): void {
    for (const { link } of this.#peers.values()) link.restart()
  }

  #remove(id: string): void {
    clearTimeout(this.#lingering.get(id))
    this.#lingering.delete(id)
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    peer.close()
    this.#peers.delete(id)
    this.#shareUpload()
    this.emit("peer_left", peer)
  }

  #meet(id: string, status: Status): Peer {
    const link = this.#makeLink(id)
    const known = this.#peers.get(id) ?? this.#recognise(status)
    if (known === undefined) {
      const peer = new Peer(id, status, link, {
        onChange: (one) => this.emit("peer_changed", one),
        onState: (one) => this.#onPeerState(one),
        onData: (one, label, data) => this.emit("data", { peer: one, label, data }),
      })
      this.#peers.set(id, peer)
      this.emit("peer_came", peer)
      return peer
    }
    this.#peers.delete(known.id)
    known.follow(id, status, link)
    this.#peers.set(id, known)
    this.emit("peer_changed", known)
    return known
  }

  /**
   * Somebody who was here under another id. Only who lingers is taken over, so nobody can put themselves in the place of
   * one who is here; whose link is broken is a ghost that the server has not noticed yet, and makes room.
   */
  #recognise({ previous_id: previous }: Status): Peer | undefined {
    if (previous === undefined) return undefined
    const peer = this.#peers.get(previous)
    const timer = this.#lingering.get(previous)
    if (timer !== undefined) {
      clearTimeout(timer)
      this.#lingering.delete(previous)
      return peer
    }
    this.#replaced.add(previous)
    for (const oldest of this.#replaced) if (this.#replaced.size > MAX_REPLACED) this.#replaced.delete(oldest)
    if (peer !== undefined && peer.state !== "connected") this.#remove(previous)
    return undefined
  }

  #onPeerState(peer: Peer): void {
    if (peer.state === "connected") this.#shareUpload()
    const isGone = this.#lingering.has(peer.id) || this.#replaced.has(peer.id)
    if (isGone && peer.state !== "connected") this.#remove(peer.id)
    else this.emit("peer_changed", peer)
  }

  #shareUpload(): void {
    shareUpload(
      [...this.#peers.values()].map(({ link }) => link),
      this.#options.uploadBitsPerSecond,
    )
  }

  #makeLink(id: string): Link {
    return new Link({
      givesWay: (this.#client.ownId ?? "") < id,
      configuration: { iceServers: this.#client.iceServers, ...this.#options.configuration },
      channels: this.#options.channels ?? { chat: {} },
      tracks: this.#tracks,
      send: (message) => void this.#client.send(id, message),
    })
  }
}
