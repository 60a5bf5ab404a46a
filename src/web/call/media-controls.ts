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
  const renderScreen = () => {
    const isShared = media.screen !== undefined
    for (const button of actions("screen")) {
      button.hidden = navigator.mediaDevices?.getDisplayMedia === undefined
      button.setAttribute("aria-pressed", String(isShared))
      button.title = button.ariaLabel = word(isShared ? "screen_stop" : "screen_share")
    }
  }
  for (const button of actions("screen")) button.addEventListener("click", () => void shareScreen(media))
  media.on("change", render)
  media.on("change", renderScreen)
  render()
  renderScreen()
}

export async function toggle(media: LocalMedia, kind: MediaKind): Promise<void> {
  const wanted = !media.isOn(kind)
  await media.turn(kind, wanted)
  if (media.isOn(kind) === wanted) announce(word(wanted ? "on" : "off", { what: word(kind) }))
}

/** Shares the screen, or ends it. */
export async function shareScreen(media: LocalMedia): Promise<void> {
  const wasShared = media.screen !== undefined
  await media.shareScreen(!wasShared)
  if (media.screen !== undefined || wasShared) announce(word(wasShared ? "screen_off" : "screen_on"))
}

/** Fills the meters in the microphone buttons; `level` is 0 to 1. */
export function showOwnLevel(level: number): void {
  // Voices lie below 0.4; the square root makes quiet ones visible.
  const height = Math.min(1, Math.sqrt(level / 0.4))
  for (const button of actions("microphone")) button.style.setProperty("--level", height.toFixed(2))
}
