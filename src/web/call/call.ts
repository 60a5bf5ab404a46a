// One call: the room, the connections to everybody in it, and what is said in the chat, over the browser package alone.
// Knows no document; call-view.ts shows what is told here.
import type { SignalingClient, Status } from "../../client/index.ts"
import { type Mesh, type MeshPeer, mesh } from "../../client/mesh/index.ts"
import type { LocalMedia } from "./media.ts"
import { wayWord } from "./way.ts"

/** 2.5 Mbit/s in all: 720p to one peer, and within the upload of a common DSL line. */
const UPLOAD_BITS_PER_SECOND = 2_500_000
/** 150 kbit/s: below it a face is no longer recognised. */
const LEAST_BITS_PER_SECOND = 150_000

export class Call {
  readonly client: SignalingClient
  readonly media: LocalMedia
  readonly mesh: Mesh
  readonly #unsubscribe: (() => void)[]
  #toldStatus = ""

  constructor(client: SignalingClient, media: LocalMedia) {
    this.client = client
    this.media = media
    this.mesh = mesh(client)
    this.#unsubscribe = [
      this.mesh.on("peer_left", () => this.#shareUpload()),
      this.mesh.on("peer_changed", ({ state }) => state === "connected" && this.#shareUpload()),
      media.on("change", () => this.#onMediaChange()),
    ]
  }

  get peers(): ReadonlyMap<string, MeshPeer> {
    return this.mesh.peers
  }

  /** Resolves once inside; rejects with a SignalingError when refused. */
  async join(room: string, name: string): Promise<void> {
    // A blank name is refused; without one the others show "Guest".
    const named = name === "" ? {} : { name }
    const media = mediaStatus(this.media)
    this.#toldStatus = JSON.stringify(media)
    this.#sendTracks()
    await this.client.join(room, { ...named, user_agent: userAgent(), ...media })
  }

  end(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.mesh.close()
    this.client.close()
  }

  #sendTracks(): void {
    this.mesh.setTrack("audio", this.media.microphone)
    this.mesh.setTrack("video", this.media.camera)
  }

  #onMediaChange(): void {
    this.#sendTracks()
    const status = mediaStatus(this.media)
    if (JSON.stringify(status) === this.#toldStatus) return
    this.#toldStatus = JSON.stringify(status)
    this.client.updateStatus(status)
  }

  #shareUpload(): void {
    const others = Math.max(1, this.peers.size)
    const share = Math.max(LEAST_BITS_PER_SECOND, UPLOAD_BITS_PER_SECOND / others)
    // 720p to one, 480p to two or three, 360p from four on: as much as their tiles show anyway.
    const shrinkBy = others === 1 ? 1 : others <= 3 ? 1.5 : 2
    for (const { connection } of this.peers.values()) void limitVideo(connection, share, shrinkBy)
  }
}

/** How loud a peer is, 0 to 1, as the browser measured it on the packets. */
export function levelOf({ connection }: MeshPeer): number {
  const receiver = connection.getReceivers().find(({ track }) => track.kind === "audio")
  return receiver?.getSynchronizationSources?.()[0]?.audioLevel ?? 0
}

const failures = new WeakMap<RTCPeerConnection, number[]>()

/** Listens to what the relays answer; the browser tells it once, as it happens. */
export function watchWays(connection: RTCPeerConnection): void {
  if (failures.has(connection)) return
  const errors: number[] = []
  failures.set(connection, errors)
  connection.addEventListener("icecandidateerror", ({ errorCode, url }) => {
    if (url?.startsWith("turn")) errors.push(errorCode)
  })
}

/** The text for a peer that was not reached. */
export async function missingWay(connection: RTCPeerConnection): Promise<ReturnType<typeof wayWord>> {
  const urls = (connection.getConfiguration().iceServers ?? []).flatMap((server) => server.urls)
  const hasRelay = urls.some((url) => url.startsWith("turn"))
  let gotRelay = false
  for (const entry of (await connection.getStats()).values()) {
    gotRelay ||= entry.type === "local-candidate" && entry.candidateType === "relay"
  }
  return wayWord({ hasRelay, gotRelay, errors: failures.get(connection) ?? [] })
}

/** Caps the picture in bits and size, because each further peer costs another encoding and a share of the upload. */
async function limitVideo(connection: RTCPeerConnection, bitsPerSecond: number, shrinkBy: number): Promise<void> {
  for (const { sender, receiver } of connection.getTransceivers()) {
    if (receiver.track.kind !== "video") continue
    const parameters = sender.getParameters()
    const encoding = parameters.encodings?.[0]
    if (encoding === undefined) continue
    if (encoding.maxBitrate === bitsPerSecond && encoding.scaleResolutionDownBy === shrinkBy) continue
    encoding.maxBitrate = bitsPerSecond
    encoding.scaleResolutionDownBy = shrinkBy
    await sender.setParameters(parameters).catch(() => undefined)
  }
}

/** What the others are told about the own microphone and camera. */
function mediaStatus(media: LocalMedia): Status {
  return { microphone: media.isOn("microphone"), camera: media.isOn("camera") }
}

/** How palava-client names browsers; by this name it decides who offers. */
function userAgent(): "chrome" | "firefox" | "safari" {
  if (/firefox/i.test(navigator.userAgent)) return "firefox"
  return /chrom(e|ium)|edg/i.test(navigator.userAgent) ? "chrome" : "safari"
}
