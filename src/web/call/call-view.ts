// The call on the screen: tiles on the stage, bar, controls, banner. Shows what call.ts tells and passes clicks on.
import type { ConnectionState } from "../../client/index.ts"
import type { MeshPeer } from "../../client/mesh/index.ts"
import { type Call, levelOf } from "./call.ts"
import type { ChatView } from "./chat-view.ts"
import { actions, announce, copyText, find, toast } from "./dom.ts"
import { arrange } from "./layout.ts"
import { listDevices } from "./media.ts"
import { showOwnLevel } from "./media-controls.ts"
import { linkTo } from "./room-name.ts"
import { Tile } from "./tile.ts"

/** 120 ms: the ring follows a voice without costing a phone's battery. */
const LEVEL_EVERY_MS = 120

const NOTES = {
  connecting: "Connecting…",
  connected: "",
  unstable: "Weak connection…",
  failed: "Not reachable, trying again…",
}

export class CallView {
  readonly #call: Call
  readonly #ownName: string
  readonly #stage = find("#stage", HTMLElement)
  readonly #invite = find("#invite", HTMLElement)
  readonly #banner = find("#banner", HTMLElement)
  readonly #tiles = new Map<MeshPeer, Tile>()
  readonly #ownTile = new Tile(true)
  readonly #ownStream = new MediaStream()
  readonly #chat: ChatView
  readonly #cleanUp: (() => void)[] = []

  constructor(call: Call, chat: ChatView, room: string, ownName: string) {
    this.#call = call
    this.#chat = chat
    this.#ownName = ownName
    this.#stage.append(this.#ownTile.element)
    find("#room-name", HTMLElement).textContent = room
    find("#call-title", HTMLElement).textContent = `Call in the room ${room}`
    find("#invite-link", HTMLElement).textContent = linkTo(room).replace(/^https?:\/\//, "")
    chat.clear()
    chat.onSend = (text) => {
      call.mesh.send(text)
      chat.add("You", text, true)
      if (call.peers.size === 0) toast("Nobody else is here to read it yet")
    }
    this.#cleanUp.push(
      call.mesh.on("peer_came", (peer) => this.#onPeerCame(peer)),
      call.mesh.on("peer_left", (peer) => this.#onPeerLeft(peer)),
      call.mesh.on("peer_changed", (peer) => this.#showPeer(peer)),
      call.mesh.on("data", ({ peer, data }) => typeof data === "string" && this.#onChat(peer, data)),
      call.media.on("change", () => this.#showOwn()),
      call.media.on("problem", toast),
      call.client.on("state", (state) => this.#onState(state)),
      call.client.on("shutdown", ({ seconds }) => toast(`The server restarts in ${seconds} s; the call goes on`)),
    )
    const resize = new ResizeObserver(() => this.#arrange())
    resize.observe(this.#stage)
    const timer = setInterval(() => this.#hear(), LEVEL_EVERY_MS)
    this.#cleanUp.push(
      () => resize.disconnect(),
      () => clearInterval(timer),
    )
  }

  show(): void {
    find("#call", HTMLElement).hidden = false
    document.title = `${find("#room-name", HTMLElement).textContent} · palava`
    this.#banner.hidden = true
    this.#showOwn()
    this.#arrange()
    // Where a screen reader begins; Tab goes on to the room's link and the controls.
    find("#call-title", HTMLElement).focus()
    void this.#offerFlip()
    announce(
      this.#call.peers.size === 0
        ? "You are in the room, alone so far"
        : `You are in the room with ${this.#call.peers.size} others`,
    )
  }

  remove(): void {
    for (const cleanUp of this.#cleanUp) cleanUp()
    for (const tile of [...this.#tiles.values(), this.#ownTile]) tile.remove()
    this.#chat.toggle(false)
    find("#call", HTMLElement).hidden = true
  }

  #onPeerCame(peer: MeshPeer): void {
    const tile = new Tile(false)
    this.#tiles.set(peer, tile)
    // The own tile stays last, where people look for themselves.
    this.#stage.insertBefore(tile.element, this.#ownTile.element)
    this.#showPeer(peer)
    this.#arrange()
    if (!find("#call", HTMLElement).hidden) toast(`${nameOf(peer)} is here`)
  }

  #onPeerLeft(peer: MeshPeer): void {
    this.#tiles.get(peer)?.remove()
    this.#tiles.delete(peer)
    this.#arrange()
    toast(`${nameOf(peer)} left`)
  }

  #showPeer(peer: MeshPeer): void {
    const { state } = peer
    const [picture] = peer.stream.getVideoTracks()
    const flows = picture !== undefined && !picture.muted && picture.readyState === "live"
    const tile = this.#tiles.get(peer)
    if (tile !== undefined) tile.element.dataset["peer"] = peer.id
    tile?.show({
      name: nameOf(peer),
      initialsOf: nameOf(peer),
      stream: peer.stream,
      showVideo: flows && peer.status["camera"] !== false,
      microphoneOff: peer.status["microphone"] === false,
      note: NOTES[state],
      waiting: state !== "connected",
    })
  }

  #showOwn(): void {
    const { camera } = this.#call.media
    for (const track of this.#ownStream.getTracks()) if (track !== camera) this.#ownStream.removeTrack(track)
    if (camera !== undefined) this.#ownStream.addTrack(camera)
    this.#ownTile.mirror(this.#call.media.mirrored)
    this.#ownTile.show({
      name: this.#ownName === "" ? "You" : `${this.#ownName} (you)`,
      initialsOf: this.#ownName || "You",
      stream: this.#ownStream,
      showVideo: camera !== undefined,
      microphoneOff: !this.#call.media.isOn("microphone"),
      note: "",
      waiting: false,
    })
  }

  #onChat(peer: MeshPeer, text: string): void {
    this.#chat.add(nameOf(peer), text, false)
    if (this.#chat.isOpen) announce(`${nameOf(peer)}: ${text}`)
    else toast(`${nameOf(peer)}: ${text}`)
  }

  /** The calls themselves do not need the server: they go on while it is away. */
  #onState(state: ConnectionState): void {
    const text =
      state.name === "waiting"
        ? "The server is out of reach; the call goes on, new people cannot come in. Trying again…"
        : state.name === "closed" && state.code !== 1000
          ? `The server closed the connection${state.reason === "" ? "" : `: ${state.reason}`}.`
          : ""
    if (state.name === "connecting") return
    this.#banner.textContent = text
    this.#banner.hidden = text === ""
  }

  #arrange(): void {
    const alone = this.#tiles.size === 0
    this.#invite.hidden = !alone
    const count = find("#count span", HTMLElement)
    count.textContent = String(this.#tiles.size + 1)
    find("#count", HTMLElement).title = alone ? "You are alone" : `${this.#tiles.size + 1} people`
    const places = arrange(this.#tiles.size + (alone ? 2 : 1), this.#stage.clientWidth, this.#stage.clientHeight)
    const tiles = [...this.#tiles.values(), this.#ownTile]
    for (const [index, tile] of tiles.entries()) {
      const place = places[index]
      if (place !== undefined) tile.place(place)
    }
    const invitePlace = places[1]
    if (alone && invitePlace !== undefined) {
      for (const [side, length] of Object.entries(invitePlace)) this.#invite.style.setProperty(side, `${length}px`)
    }
  }

  #hear(): void {
    const now = performance.now()
    const own = this.#call.media.level()
    showOwnLevel(own)
    this.#ownTile.hear(own, now)
    for (const peer of this.#call.peers.values()) {
      this.#tiles.get(peer)?.hear(peer.status["microphone"] === false ? 0 : levelOf(peer), now)
    }
  }

  /** Phones have a camera at each side. */
  async #offerFlip(): Promise<void> {
    const cameras = (await listDevices()).filter(({ kind }) => kind === "videoinput")
    const offered = cameras.length > 1 && matchMedia("(pointer: coarse)").matches
    for (const button of actions("flip")) button.hidden = !offered
  }
}

function nameOf(peer: MeshPeer): string {
  return peer.status.name ?? "Guest"
}

/** Copies the link to this room, and says so. */
export async function copyLink(room: string): Promise<void> {
  toast(
    (await copyText(linkTo(room))) ? "Link copied" : "Copying is not allowed here: take the link from the address bar",
  )
}
