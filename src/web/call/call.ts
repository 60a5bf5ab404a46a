// One call: the room, the connections to everybody in it, and what is said in the chat, over the browser package alone.
// Knows no document; call-view.ts shows what is told here.
import type { SignalingClient, Status } from "../../client/index.ts"
import { type Mesh, type MeshPeer, mesh } from "../../client/mesh/index.ts"
import type { LocalMedia } from "./media.ts"

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
    this.#unsubscribe = [media.on("change", () => this.#onMediaChange())]
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
    this.mesh.setTrack("screen", this.media.screen)
  }

  #onMediaChange(): void {
    this.#sendTracks()
    const status = mediaStatus(this.media)
    if (JSON.stringify(status) === this.#toldStatus) return
    this.#toldStatus = JSON.stringify(status)
    this.client.updateStatus(status)
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
