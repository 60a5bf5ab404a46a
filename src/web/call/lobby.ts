// The way in: own picture, name, room. Shown at the start, after a link to another room, and after a call.
import { memory } from "../memory.ts"
import { find } from "./dom.ts"
import type { LocalMedia } from "./media.ts"
import { cleanRoomName, randomRoomName } from "./room-name.ts"
import { showAvatar } from "./tile.ts"
import { type Word, word } from "./words.ts"

/** `left` is after a call, `invited` with a room in the link, `new` without one. */
export type LobbyMode = "new" | "invited" | "left"

const TEXT: Record<LobbyMode, Record<"title" | "lead" | "enter", Word>> = {
  new: { title: "face_to_face", lead: "open_room_lead", enter: "open_room" },
  invited: { title: "invited", lead: "to_room", enter: "join" },
  left: { title: "you_left", lead: "door_open", enter: "join_again" },
}

export class Lobby {
  readonly #media: LocalMedia
  readonly #root = find("#lobby", HTMLElement)
  readonly #video = find("#preview-video", HTMLVideoElement)
  readonly #name = find("#name", HTMLInputElement)
  readonly #room = find("#room", HTMLInputElement)
  readonly #enter = find("#enter", HTMLButtonElement)
  readonly #problem = find("#problem", HTMLElement)
  #mode: LobbyMode = "new"
  /** Called when the person does not want in any more, while busy. */
  onCancel: () => void = () => undefined
  /** Called when the person wants in. */
  onEnter: (room: string, name: string) => void = () => undefined

  constructor(media: LocalMedia) {
    this.#media = media
    this.#name.value = memory.get("name")
    this.#name.addEventListener("input", () => this.#renderPreview())
    find("#shuffle", HTMLButtonElement).addEventListener("click", () => {
      this.#room.value = randomRoomName()
    })
    find("#cancel", HTMLButtonElement).addEventListener("click", () => this.onCancel())
    find("#entry", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault()
      const room = cleanRoomName(this.#room.value)
      memory.set("name", this.#name.value.trim())
      if (room !== "") this.onEnter(room, this.#name.value.trim())
    })
    media.on("change", () => this.#renderPreview())
  }

  get isShown(): boolean {
    return !this.#root.hidden
  }

  show(mode: LobbyMode, room: string): void {
    this.#mode = mode
    const text = TEXT[mode]
    find("#lobby-title", HTMLElement).textContent = word(text.title)
    const name = document.createElement("strong")
    name.textContent = room
    find("#lobby-lead", HTMLElement).replaceChildren(word(text.lead), mode === "new" ? "" : name)
    find("#room-field", HTMLElement).hidden = mode !== "new"
    this.#room.value = mode === "new" ? randomRoomName() : room
    this.#root.hidden = false
    find(".preview", HTMLElement).append(find("#devices", HTMLElement))
    document.title = mode === "new" ? "palava" : `${room} · palava`
    this.setBusy(false)
    this.#renderPreview()
    // On a phone the keyboard would jump up and hide the picture.
    if (!matchMedia("(pointer: fine)").matches) find("#lobby-title", HTMLElement).focus()
    else (this.#name.value === "" ? this.#name : this.#enter).focus()
  }

  hide(): void {
    this.#root.hidden = true
    this.#video.srcObject = null
  }

  get isBusy(): boolean {
    return this.isShown && this.#enter.disabled
  }

  setBusy(busy: boolean): void {
    this.#enter.disabled = busy
    find("#cancel", HTMLElement).hidden = !busy
    find("#other-room", HTMLElement).hidden = busy || this.#mode === "new"
    this.#enter.textContent = word(busy ? "connecting" : TEXT[this.#mode].enter)
  }

  /** What went wrong; "" for nothing. The same again is not said again. */
  setProblem(text: string): void {
    if (this.#problem.textContent !== text) this.#problem.textContent = text
    this.#problem.hidden = text === ""
  }

  #renderPreview(): void {
    if (!this.isShown) return
    const { camera, problem } = this.#media
    const asking = this.#media.isAsking("camera") || this.#media.isAsking("microphone")
    find("#preview", HTMLElement).classList.toggle("with-video", camera !== undefined)
    this.#video.classList.toggle("mirrored", this.#media.mirrored)
    const shown = this.#video.srcObject instanceof MediaStream ? this.#video.srcObject.getTracks()[0] : undefined
    if (shown !== camera) this.#video.srcObject = camera === undefined ? null : new MediaStream([camera])
    showAvatar(find("#preview-avatar", HTMLElement), this.#name.value || "?")
    const off = word(this.#media.isOn("microphone") ? "camera_off" : "both_off")
    const note = asking ? word("browser_asks") : problem || (camera ? "" : off)
    find("#preview-note", HTMLElement).textContent = note
  }
}
