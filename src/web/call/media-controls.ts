// The microphone and camera buttons of lobby and call, the level meter in them, and the keys M and V.
import { actions, announce } from "./dom.ts"
import type { LocalMedia, MediaKind } from "./media.ts"
import { word } from "./words.ts"

const KEY = { microphone: "M", camera: "V" }

export function setUpMediaControls(media: LocalMedia): void {
  const render = () => {
    for (const kind of ["microphone", "camera"] as const) {
      const on = media.isOn(kind)
      for (const button of actions(kind)) {
        button.setAttribute("aria-pressed", String(on))
        button.setAttribute("aria-label", word(kind))
        button.setAttribute("aria-busy", String(media.isAsking(kind)))
        button.title = `${word(on ? "on" : "off", { what: word(kind) })} (${KEY[kind]})`
      }
    }
  }
  for (const kind of ["microphone", "camera"] as const) {
    for (const button of actions(kind)) button.addEventListener("click", () => void toggle(media, kind))
  }
  media.on("change", render)
  render()
}

export async function toggle(media: LocalMedia, kind: MediaKind): Promise<void> {
  const wanted = !media.isOn(kind)
  await media.turn(kind, wanted)
  if (media.isOn(kind) === wanted) announce(word(wanted ? "on" : "off", { what: word(kind) }))
}

/** Fills the meters in the microphone buttons; `level` is 0 to 1. */
export function showOwnLevel(level: number): void {
  // Voices lie below 0.4; the square root makes quiet ones visible.
  const height = Math.min(1, Math.sqrt(level / 0.4))
  for (const button of actions("microphone")) button.style.setProperty("--level", height.toFixed(2))
}
