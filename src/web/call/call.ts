// One call: who is in the room, the link to each of them, and what is said in the chat. Knows no document; call-view.ts
// shows what is told here.
import { Emitter, type JoinedRoom, type SignalingClient, type Status } from "../../client/index.ts"
import type { LocalMedia } from "./media.ts"
import { PeerLink } from "./peer-link.ts"

/** Somebody else in the room. */
export interface RemotePeer {
  /** The id on the server; a new one when the peer came back after both sides lost the server. */
  id: string
  status: Status
  link: PeerLink
  /** What comes from this peer; empty until it comes. Kept through a reconnect until new tracks replace the old. */
  readonly stream: MediaStream
}

interface CallEvents {
  peer_came: RemotePeer
  peer_left: RemotePeer
  /** Status, tracks or connection state of this peer changed. */
  peer_changed: RemotePeer
  chat: { peer: RemotePeer; text: string }
}

/** 2.5 Mbit/s in all: 720p to one peer, and within the upload of a common DSL line. */
const UPLOAD_BITS_PER_SECOND = 2_500_000
/** 150 kbit/s: below it a face is no longer recognised. */
const LEAST_BITS_PER_SECOND = 150_000

/**
 * 20 s: when the server restarts, all come back within it (the client's waits end at 15 s). So long somebody whose
 * picture still flows is shown though the server does not know them any more.
 */
const LINGER_MS = 20_000

export class Call extends Emitter<CallEvents> {
  readonly client: SignalingClient
  readonly media: LocalMedia
  readonly peers = new Map<string, RemotePeer>()
  readonly #unsubscribe: (() => void)[]
  /** Peers the server lost, by the id they had, until they come back or their picture stops. */
  readonly #lingering = new Map<string, ReturnType<typeof setTimeout>>()
  /** Ids whose owners came back under another: as soon as their old link breaks they are gone. */
  readonly #replaced = new Set<string>()
  #toldStatus = ""
  #room: Pick<JoinedRoom, "ownId" | "iceServers"> = { ownId: "", iceServers: [] }

  constructor(client: SignalingClient, media: LocalMedia) {
    super()
    this.client = client
    this.media = media
    this.#unsubscribe = [
      client.on("joined_room", (joined) => this.#onJoined(joined)),
      client.on("new_peer", ({ peerId, status }) => this.#onNewPeer(peerId, status)),
      client.on("peer_left", ({ peerId, whileAway }) => this.#onPeerLeft(peerId, whileAway)),
      client.on("peer_updated_status", ({ peerId, status }) => this.#onStatus(peerId, status)),
      client.on("relayed", ({ peerId, message }) => void this.peers.get(peerId)?.link.receive(message)),
      media.on("change", () => this.#onMediaChange()),
    ]
  }

  /** Resolves once inside; rejects with a SignalingError when refused. */
  async join(room: string, name: string): Promise<void> {
    // A blank name is refused; without one the others show "Guest".
    const named = name === "" ? {} : { name }
    const media = mediaStatus(this.media)
    this.#toldStatus = JSON.stringify(media)
    await this.client.join(room, { ...named, user_agent: userAgent(), ...media })
  }

  sendChat(text: string): void {
    for (const { link } of this.peers.values()) link.sendChat(text)
  }

  end(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    for (const timer of this.#lingering.values()) clearTimeout(timer)
    for (const { link } of this.peers.values()) link.close()
    this.peers.clear()
    this.client.close()
  }

  #onJoined(room: JoinedRoom): void {
    this.#room = room
    // After a reconnect the peers know us by a new id, and every link starts anew.
    for (const [id, status] of room.peers) {
      const peer = this.#meet(id, status)
      // The newcomer waits to be offered to, unless it is no Chrome: the rule of palava-client.
      if (userAgent() !== "chrome") peer.link.begin()
    }
  }

  #onNewPeer(id: string, status: Status): void {
    const peer = this.#meet(id, status)
    if (status.user_agent === "chrome") peer.link.begin()
  }

  #onPeerLeft(id: string, whileAway: boolean): void {
    if (whileAway && this.peers.get(id)?.link.state === "connected") {
      this.#lingering.set(
        id,
        setTimeout(() => this.#remove(id), LINGER_MS),
      )
    } else this.#remove(id)
  }

  #remove(id: string): void {
    clearTimeout(this.#lingering.get(id))
    this.#lingering.delete(id)
    const peer = this.peers.get(id)
    if (peer === undefined) return
    peer.link.close()
    this.peers.delete(id)
    this.emit("peer_left", peer)
    this.#shareUpload()
  }

  #onStatus(id: string, status: Status): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    peer.status = status
    this.emit("peer_changed", peer)
  }

  #onMediaChange(): void {
    for (const { link } of this.peers.values()) link.sendTracks()
    const status = mediaStatus(this.media)
    if (JSON.stringify(status) === this.#toldStatus) return
    this.#toldStatus = JSON.stringify(status)
    this.client.updateStatus(status)
  }

  #meet(id: string, status: Status): RemotePeer {
    const known = this.peers.get(id) ?? this.#recognise(status)
    known?.link.close()
    const peer = known ?? { id, status, link: this.#makeLink(id), stream: new MediaStream() }
    if (known !== undefined) {
      this.peers.delete(peer.id)
      Object.assign(peer, { id, status, link: this.#makeLink(id) })
    }
    this.peers.set(id, peer)
    this.#listen(peer, peer.link)
    this.emit(known === undefined ? "peer_came" : "peer_changed", peer)
    return peer
  }

  /**
   * Somebody who was here under another id. Only who lingers is taken over, so nobody can put themselves in the place of
   * one who is here; whose link is broken is a ghost that the server has not noticed yet, and makes room.
   */
  #recognise({ previous_id: previous }: Status): RemotePeer | undefined {
    if (previous === undefined) return undefined
    const peer = this.peers.get(previous)
    const timer = this.#lingering.get(previous)
    if (timer !== undefined) {
      clearTimeout(timer)
      this.#lingering.delete(previous)
      return peer
    }
    this.#replaced.add(previous)
    if (peer !== undefined && peer.link.state !== "connected") this.#remove(previous)
    return undefined
  }

  #listen(peer: RemotePeer, link: PeerLink): void {
    link.on("state", (state) => {
      if (state === "connected") this.#shareUpload()
      else if (this.#lingering.has(peer.id) || this.#replaced.has(peer.id)) return this.#remove(peer.id)
      this.emit("peer_changed", peer)
    })
    link.on("chat", (text) => this.emit("chat", { peer, text }))
    link.on("track", (track) => {
      for (const old of peer.stream.getTracks()) if (old.kind === track.kind) peer.stream.removeTrack(old)
      peer.stream.addTrack(track)
      track.onmute = track.onunmute = () => this.emit("peer_changed", peer)
      this.emit("peer_changed", peer)
    })
  }

  #makeLink(id: string): PeerLink {
    return new PeerLink({
      givesWay: this.#room.ownId < id,
      iceServers: this.#room.iceServers,
      media: this.media,
      send: (message) => void this.client.send(id, message),
    })
  }

  #shareUpload(): void {
    const others = Math.max(1, this.peers.size)
    const share = Math.max(LEAST_BITS_PER_SECOND, UPLOAD_BITS_PER_SECOND / others)
    // 720p to one, 480p to two or three, 360p from four on: as much as their tiles show anyway.
    const shrinkBy = others === 1 ? 1 : others <= 3 ? 1.5 : 2
    for (const { link } of this.peers.values()) void link.limitVideo(share, shrinkBy)
  }
}

/** What the others are told about the own microphone and camera. */
export function mediaStatus(media: LocalMedia): Status {
  return { microphone: media.isOn("microphone"), camera: media.isOn("camera") }
}

/** How palava-client names browsers; by this name it decides who offers. */
export function userAgent(): "chrome" | "firefox" | "safari" {
  if (/firefox/i.test(navigator.userAgent)) return "firefox"
  return /chrom(e|ium)|edg/i.test(navigator.userAgent) ? "chrome" : "safari"
}
