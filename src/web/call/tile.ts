// One person on the stage: picture or initials, name, microphone, connection, and a ring while they talk.
import type { Quality } from "../../client/mesh/index.ts"
import { routeSound } from "./devices.ts"
import { find, toast } from "./dom.ts"
import { gradeOf } from "./grade.ts"
import type { Box } from "./layout.ts"
import { word } from "./words.ts"

export interface TileContent {
  name: string
  /** The initials are of this; the name may say more. */
  initialsOf: string
  stream: MediaStream | undefined
  showVideo: boolean
  microphoneOff: boolean
  /** Said on the tile while it is not connected; "" when all is well. */
  note: string
  /** The spinner turns while there is hope. */
  waiting: boolean
}

/** Below it is breathing and the fan; the levels of voices lie between 0.02 and 0.5. */
const TALKING_LEVEL = 0.02
/** 700 ms: the ring stays through the pauses between words. */
const TALKING_HOLD_MS = 700

export class Tile {
  readonly element: HTMLElement
  readonly #video: HTMLVideoElement
  readonly #avatar: HTMLElement
  readonly #name: HTMLElement
  readonly #note: HTMLElement
  readonly #quality: HTMLButtonElement
  #details = ""
  readonly #pin: HTMLButtonElement
  #talkedAt = 0
  /** Called when the person wants it large, or no longer. */
  onPin: () => void = () => undefined

  /** `own`: of the person at this page; `screen`: what somebody shares, and must not be cut. */
  constructor(what: "own" | "other" | "screen") {
    const template = find("#tile-template", HTMLTemplateElement)
    const copy = template.content.cloneNode(true) as DocumentFragment
    this.element = find(".tile", HTMLElement, copy)
    this.#video = find("video", HTMLVideoElement, copy)
    this.#avatar = find(".avatar", HTMLElement, copy)
    this.#name = find(".name-tag span", HTMLElement, copy)
    this.#note = find(".tile-state-text", HTMLElement, copy)
    this.#quality = find(".quality", HTMLButtonElement, copy)
    this.#pin = find(".pin", HTMLButtonElement, copy)
    this.element.classList.add(what)
    this.#video.muted = what !== "other"
    routeSound(this.#video)
    this.#quality.addEventListener("click", () => toast(this.#details))
    this.#pin.addEventListener("click", () => this.onPin())
    const full = find(".full", HTMLButtonElement, copy)
    full.hidden = !document.fullscreenEnabled
    full.addEventListener("click", () => {
      if (document.fullscreenElement !== null) void document.exitFullscreen()
      else void this.element.requestFullscreen().catch(() => undefined)
    })
  }

  /** Large or not. */
  set isPinned(isPinned: boolean) {
    this.#pin.setAttribute("aria-pressed", String(isPinned))
  }

  /** How well it comes; a tap explains it. */
  showQuality(quality: Quality): void {
    const { loss, roundTripMs = 0, picture, isRelayed } = quality
    const grade = gradeOf(quality)
    this.#quality.hidden = false
    this.#quality.dataset["grade"] = grade
    this.#quality.title = this.#quality.ariaLabel = word(`quality_${grade}`)
    const size =
      picture === undefined ? word("no_picture") : `${picture.width} × ${picture.height}, ${picture.framesPerSecond}/s`
    const numbers = { ms: Math.round(roundTripMs), percent: (loss * 100).toFixed(1), size }
    this.#details = `${word(`quality_${grade}`)}: ${word("quality_numbers", numbers)} ${word(isRelayed ? "by_relay" : "direct")}`
  }

  show(content: TileContent): void {
    const { name, initialsOf, stream, showVideo, microphoneOff, note, waiting } = content
    this.element.setAttribute(
      "aria-label",
      [name, microphoneOff && word("microphone_off"), note].filter(Boolean).join(", "),
    )
    this.#name.textContent = name
    showAvatar(this.#avatar, initialsOf)
    this.element.classList.toggle("with-video", showVideo)
    this.element.classList.toggle("microphone-off", microphoneOff)
    this.element.classList.toggle("waiting", waiting)
    this.#note.textContent = note
    if (stream !== undefined && this.#video.srcObject !== stream) this.#video.srcObject = stream
    if (stream?.active) this.#play()
  }

  mirror(mirrored: boolean): void {
    this.#video.classList.toggle("mirrored", mirrored)
  }

  place(box: Box): void {
    for (const [side, length] of Object.entries(box)) this.element.style.setProperty(side, `${length}px`)
    // Initials grow with the tile.
    this.element.style.setProperty("--tile-size", `${Math.min(box.width, box.height)}px`)
  }

  /** Called several times a second with the loudness now. */
  hear(level: number, now: number): void {
    if (level > TALKING_LEVEL) this.#talkedAt = now
    this.element.classList.toggle("talking", now - this.#talkedAt < TALKING_HOLD_MS && this.#talkedAt > 0)
  }

  remove(): void {
    this.#video.srcObject = null
    this.element.remove()
  }

  /** A browser that lets nothing sound before the first touch gets it going at the first touch. */
  #play(): void {
    if (!this.#video.paused) return
    this.#video.play().catch(() => {
      addEventListener("pointerup", () => void this.#video.play().catch(() => undefined), { once: true })
    })
  }
}

/** Initials on a colour that is always the same for the same name. */
export function showAvatar(element: HTMLElement, name: string): void {
  const words = name.trim().split(/\s+/)
  const initials = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "").join("")
  element.textContent = initials.toLocaleUpperCase()
  let hash = 0
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360
  element.style.setProperty("--hue", String(hash))
}
