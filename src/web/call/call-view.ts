// The call on the screen: tiles on the stage, bar, controls, banner. Shows what call.ts tells and passes clicks on.
import type { ConnectionState } from "../../client/index.ts"
import type { MeshPeer } from "../../client/mesh/index.ts"
import type { Call } from "./call.ts"
import type { ChatView } from "./chat-view.ts"
import { announce, find, toast } from "./dom.ts"
import { arrange, arrangeAround } from "./layout.ts"
import { showOwnLevel } from "./media-controls.ts"
import { linkTo } from "./room-name.ts"
import { Tile } from "./tile.ts"
import { word } from "./words.ts"

/** 120 ms: the ring follows a voice without costing a phone's battery. */
const LEVEL_EVERY_MS = 120

/** 15 s: a slow mobile network with a relay takes up to ten; who waits longer wants to know why. */
const EXPLAIN_AFTER_MS = 15_000
/** 1 s: soon enough after those 15. */
const EXPLAIN_EVERY_MS = 1_000
/** 3 s: a server that is restarted is back by then, and nobody need know. */
const AWAY_AFTER_MS = 3_000
/** 3 s: a bad second passes unsaid, and statistics cost a phone little. */
const QUALITY_EVERY_MS = 3_000

export class CallView {
  readonly #call: Call
  readonly #ownName: string
  readonly #stage = find("#stage", HTMLElement)
  readonly #invite = find("#invite", HTMLElement)
  readonly #banner = find("#banner", HTMLElement)
  readonly #tiles = new Map<MeshPeer, Tile>()
  /** Of those who share theirs. */
  readonly #screens = new Map<MeshPeer, Tile>()
  readonly #ownTile = new Tile("own")
  /** The large one. */
  #pinned: Tile | undefined
  readonly #ownStream = new MediaStream()
  readonly #chat: ChatView
  /** When each peer that is not connected began to be waited for, on the clock of performance.now(). */
  readonly #waitingSince = new Map<MeshPeer, number>()
  /** What stands in the way of those who are waited for too long. */
  readonly #ways = new Map<MeshPeer, string>()
  readonly #cleanUp: (() => void)[] = []
  #awayTimer: ReturnType<typeof setTimeout> | undefined

  constructor(call: Call, chat: ChatView, room: string, ownName: string) {
    this.#call = call
    this.#chat = chat
    this.#ownName = ownName
    this.#stage.append(this.#ownTile.element)
    find("#room-name", HTMLElement).textContent = room
    find("#call-title", HTMLElement).textContent = word("call_title", { room })
    find("#invite-link", HTMLElement).textContent = linkTo(room).replace(/^https?:\/\//, "")
    chat.clear()
    chat.onSend = (text) => {
      call.mesh.send(text)
      chat.add(word("you"), text, true)
      if (call.peers.size === 0) toast(word("nobody_reads"))
    }
    this.#cleanUp.push(
      call.mesh.on("peer_came", (peer) => this.#onPeerCame(peer)),
      call.mesh.on("peer_left", (peer) => this.#onPeerLeft(peer)),
      call.mesh.on("peer_changed", (peer) => this.#showPeer(peer)),
      call.mesh.on("data", ({ peer, data }) => typeof data === "string" && this.#onChat(peer, data)),
      call.media.on("change", () => this.#showOwn()),
      call.media.on("problem", toast),
      call.client.on("state", (state) => this.#onState(state)),
      call.client.on(
        "shutdown",
        ({ seconds }) => seconds > 0 && this.#showBanner(word("server_restarts", { seconds })),
      ),
      () => clearTimeout(this.#awayTimer),
      call.client.on("resumed", () => this.#onBack()),
      call.client.on("joined_room", ({ again }) => again && this.#onBack()),
    )
    const resize = new ResizeObserver(() => this.#arrange())
    resize.observe(this.#stage)
    const timer = setInterval(() => this.#hear(), LEVEL_EVERY_MS)
    const explaining = setInterval(() => void this.#explainWaits(), EXPLAIN_EVERY_MS)
    const measuring = setInterval(() => void this.#measure(), QUALITY_EVERY_MS)
    this.#ownTile.onPin = () => this.#pin(this.#ownTile)
    this.#cleanUp.push(
      () => clearInterval(measuring),
      () => resize.disconnect(),
      () => clearInterval(timer),
      () => clearInterval(explaining),
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
    find("#devices-dialog h2", HTMLElement).after(find("#devices", HTMLElement))
    announce(this.#call.peers.size === 0 ? word("alone") : word("with_others", { count: this.#call.peers.size }))
  }

  remove(): void {
    for (const cleanUp of this.#cleanUp) cleanUp()
    for (const tile of this.#all()) tile.remove()
    this.#chat.toggle(false)
    find("#call", HTMLElement).hidden = true
  }

  #onPeerCame(peer: MeshPeer): void {
    const tile = new Tile("other")
    tile.onPin = () => this.#pin(tile)
    this.#tiles.set(peer, tile)
    this.#waitingSince.set(peer, performance.now())
    // The own tile stays last, where people look for themselves.
    this.#stage.insertBefore(tile.element, this.#ownTile.element)
    this.#showPeer(peer)
    this.#arrange()
    if (!find("#call", HTMLElement).hidden) toast(word("is_here", { name: nameOf(peer) }))
  }

  #onPeerLeft(peer: MeshPeer): void {
    this.#drop(this.#tiles, peer)
    this.#drop(this.#screens, peer)
    this.#waitingSince.delete(peer)
    this.#ways.delete(peer)
    this.#arrange()
    toast(word("left", { name: nameOf(peer) }))
  }

  #showPeer(peer: MeshPeer): void {
    const { state } = peer
    if (state === "connected") {
      this.#waitingSince.delete(peer)
      this.#ways.delete(peer)
    } else if (!this.#waitingSince.has(peer)) this.#waitingSince.set(peer, performance.now())
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
      note: this.#ways.get(peer) ?? noteOf(state),
      waiting: state !== "connected",
    })
    this.#showScreen(peer)
  }

  #showScreen(peer: MeshPeer): void {
    const { screen } = peer
    const name = word("screen_of", { name: nameOf(peer) })
    const known = this.#screens.get(peer)
    if (screen === undefined) {
      this.#drop(this.#screens, peer)
      if (known !== undefined) this.#arrange()
      return
    }
    const tile = known ?? new Tile("screen")
    tile.show({
      name,
      initialsOf: name,
      stream: known ? undefined : new MediaStream([screen]),
      showVideo: true,
      microphoneOff: false,
      note: "",
      waiting: false,
    })
    if (known !== undefined) return
    this.#screens.set(peer, tile)
    tile.onPin = () => this.#pin(tile)
    this.#stage.insertBefore(tile.element, this.#ownTile.element)
    toast(name)
    // Somebody wants it to be looked at; what the person chose to look at stays.
    if (this.#pinned === undefined) this.#pin(tile)
    else this.#arrange()
  }

  /** Makes one large, in place of the one before; the same again makes all alike. */
  #pin(tile: Tile): void {
    this.#pinned = tile === this.#pinned ? undefined : tile
    for (const one of this.#all()) one.isPinned = one === this.#pinned
    this.#arrange()
  }

  #drop(tiles: Map<MeshPeer, Tile>, peer: MeshPeer): void {
    const tile = tiles.get(peer)
    tile?.remove()
    tiles.delete(peer)
    if (tile === this.#pinned) this.#pinned = undefined
  }

  /** All tiles, the large one first. */
  #all(): Tile[] {
    const tiles = [...this.#screens.values(), ...this.#tiles.values(), this.#ownTile]
    return tiles.sort((one, other) => Number(other === this.#pinned) - Number(one === this.#pinned))
  }

  #showOwn(): void {
    const { camera } = this.#call.media
    for (const track of this.#ownStream.getTracks()) if (track !== camera) this.#ownStream.removeTrack(track)
    if (camera !== undefined) this.#ownStream.addTrack(camera)
    this.#ownTile.mirror(this.#call.media.mirrored)
    this.#ownTile.show({
      name: this.#ownName === "" ? word("you") : word("yourself", { name: this.#ownName }),
      initialsOf: this.#ownName || word("you"),
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
    clearTimeout(this.#awayTimer)
    if (state.name === "waiting")
      this.#awayTimer = setTimeout(() => this.#showBanner(word("server_away")), AWAY_AFTER_MS)
    if (state.name === "closed" && state.code !== 1000) {
      this.#showBanner(word("server_closed", { why: state.reason || state.code }))
    }
  }

  #onBack(): void {
    clearTimeout(this.#awayTimer)
    if (!this.#banner.hidden) toast(word("back"))
    this.#showBanner("")
  }

  #showBanner(text: string): void {
    // A live region: the same text again would be read again.
    if (this.#banner.textContent !== text) this.#banner.textContent = text
    this.#banner.hidden = text === ""
  }

  /** Who is not reached for long is told apart by what was tried. */
  async #explainWaits(): Promise<void> {
    const now = performance.now()
    for (const [peer, since] of this.#waitingSince) {
      if (now - since < EXPLAIN_AFTER_MS) continue
      this.#ways.set(peer, word(`way_${await peer.obstacle()}`))
      if (this.#waitingSince.has(peer)) this.#showPeer(peer)
    }
  }

  async #measure(): Promise<void> {
    for (const [peer, tile] of this.#tiles) {
      if (peer.state === "connected") tile.showQuality(await peer.quality())
    }
  }

  #arrange(): void {
    const alone = this.#tiles.size === 0
    this.#invite.hidden = !alone
    const count = find("#count span", HTMLElement)
    count.textContent = String(this.#tiles.size + 1)
    find("#count", HTMLElement).title = alone ? word("alone_title") : word("people", { count: this.#tiles.size + 1 })
    const tiles = this.#all()
    const inOrder = this.#pinned === undefined ? arrange : arrangeAround
    const places = inOrder(tiles.length + (alone ? 1 : 0), this.#stage.clientWidth, this.#stage.clientHeight)
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
      this.#tiles.get(peer)?.hear(peer.status["microphone"] === false ? 0 : peer.level, now)
    }
  }
}

function noteOf(state: MeshPeer["state"]): string {
  if (state === "connected") return ""
  return word(state === "connecting" ? "connecting" : `tile_${state}`)
}

function nameOf(peer: MeshPeer): string {
  return peer.status.name ?? word("guest")
}
