// Which microphone, camera and speaker are used: one set of menus, in the lobby and, during the call, in a dialog.
import { memory } from "../memory.ts"
import { actions, find } from "./dom.ts"
import { type LocalMedia, listDevices } from "./media.ts"

/** The menus, what they choose, and what the browser calls it. */
const MENUS = [
  ["microphones", "microphone", "audioinput"],
  ["cameras", "camera", "videoinput"],
  ["speakers", "speaker", "audiooutput"],
] as const

/** Fills the menus, now and whenever something is plugged in; what is chosen is used at once, and the next time. */
export function setUpDevices(media: LocalMedia): void {
  const render = async () => {
    const devices = await listDevices()
    const used = { microphone: media.microphone, camera: media.camera, speaker: undefined }
    for (const [id, what, kind] of MENUS) {
      const menu = find(`#${id}`, HTMLSelectElement)
      const choices = devices.filter((device) => device.kind === kind)
      menu.replaceChildren(...choices.map(({ deviceId, label }) => new Option(label, deviceId)))
      menu.value = used[what]?.getSettings().deviceId ?? (memory.get(`${what}.device`) || menu.value)
      const isOffered = choices.length > 0 && (what !== "speaker" || "setSinkId" in HTMLMediaElement.prototype)
      menu.closest<HTMLElement>(".device")?.toggleAttribute("hidden", !isOffered)
    }
    find("#devices", HTMLElement).hidden = devices.length === 0
    // Phones have a camera at each side.
    const canFlip = devices.filter(({ kind }) => kind === "videoinput").length > 1
    for (const button of actions("flip")) button.hidden = !canFlip || !matchMedia("(pointer: coarse)").matches
  }
  for (const [id, what] of MENUS) {
    const menu = find(`#${id}`, HTMLSelectElement)
    menu.addEventListener("change", () => {
      if (what !== "speaker") return void media.turn(what, true, menu.value)
      memory.set("speaker.device", menu.value)
      for (const video of document.querySelectorAll("video")) routeSound(video)
    })
  }
  media.on("change", () => void render())
  navigator.mediaDevices?.addEventListener("devicechange", () => void render())
}

/** Sounds where the person chose; an unplugged speaker leaves it where it was. */
export function routeSound(video: HTMLVideoElement): void {
  const speaker = memory.get("speaker.device")
  if (speaker !== "" && "setSinkId" in video) video.setSinkId(speaker).catch(() => undefined)
}
