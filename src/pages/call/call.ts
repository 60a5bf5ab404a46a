// One call: who is in the room, the link to each of them, and what is said in the chat. Knows no document; call-view.ts
// shows what is told here.
import { Emitter, type JoinedRoom, type SignalingClient, type Status } from "../../client/index.ts"
import type { LocalMedia } from "./media.ts"
import { PeerLink } from "./peer-link.ts"

/** Somebody else in the room. */
export interface RemotePeer {
  readonly id: string
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

export class Call extends Emitter<CallEvents> {
  readonly client: SignalingClient
  readonly media: LocalMedia
  readonly peers = new Map<string, RemotePeer>()
  readonly #unsubscribe: (() => void)[]
  #room: Pick<JoinedRoom, "ownId" | "iceServers"> = { ownId: "", iceServers: [] }

  constructor(client: SignalingClient, media: LocalMedia) {
    super()
    this.client = client
    this.media = media
    this.#unsubscribe = [
      client.on("joined_room", (joined) => this.#onJoined(joined)),
      client.on("new_peer", ({ peerId, status }) => this.#onNewPeer(peerId, status)),
      client.on("peer_left", ({ peerId }) => this.#onPeerLeft(peerId)),
      client.on("peer_updated_status", ({ peerId, status }) => this.#onStatus(peerId, status)),
      client.on("relayed", ({ peerId, message }) => void this.peers.get(peerId)?.link.receive(message)),
      media.on("change", () => this.#onMediaChange()),
    ]
  }

  /** Resolves once inside; rejects with a SignalingError when refused. */
  async join(room: string, name: string): Promise<void> {
    // A blank name is refused; without one the others show "Guest".
    const named = name === "" ? {} : { name }
    await this.client.join(room, { ...named, user_agent: userAgent(), ...mediaStatus(this.media) })
  }

  sendChat(text: string): void {
    for (const { link } of this.peers.values()) link.sendChat(text)
  }

  end(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
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

  #onPeerLeft(id: string): void {
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
    this.client.updateStatus(mediaStatus(this.media))
  }

  #meet(id: string, status: Status): RemotePeer {
    const link = this.#makeLink(id)
    const known = this.peers.get(id)
    const peer = known ?? { id, status, link, stream: new MediaStream() }
    known?.link.close()
    peer.link = link
    peer.status = status
    this.peers.set(id, peer)
    link.on("state", (state) => {
      if (state === "connected") this.#shareUpload()
      this.emit("peer_changed", peer)
    })
    link.on("chat", (text) => this.emit("chat", { peer, text }))
    link.on("track", (track) => {
      for (const old of peer.stream.getTracks()) if (old.kind === track.kind) peer.stream.removeTrack(old)
      peer.stream.addTrack(track)
      track.onmute = track.onunmute = () => this.emit("peer_changed", peer)
      this.emit("peer_changed", peer)
    })
    this.emit(known === undefined ? "peer_came" : "peer_changed", peer)
    return peer
  }

  #makeLink(id: string): PeerLink {
    return new PeerLink({
      polite: this.#room.ownId < id,
      iceServers: this.#room.iceServers,
      media: this.media,
      send: (message) => void this.client.send(id, message),
    })
  }

  #shareUpload(): void {
    const share = Math.max(LEAST_BITS_PER_SECOND, UPLOAD_BITS_PER_SECOND / Math.max(1, this.peers.size))
    for (const { link } of this.peers.values()) void link.limitVideo(share)
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
