// The demo call, put together: media, lobby, call, keys. Follows the link: #room names the room.
import { SignalingClient, SignalingError } from "../../client/index.ts"
import { language } from "../speak.ts"
import { setUpTheme } from "../theme.ts"
import { Call } from "./call.ts"
import { CallView } from "./call-view.ts"
import { ChatView } from "./chat-view.ts"
import { setUpDevices } from "./devices.ts"
import { actions, copyText, find, setIcon, toast } from "./dom.ts"
import { Lobby } from "./lobby.ts"
import { LocalMedia } from "./media.ts"
import { setUpMediaControls, shareScreen, showOwnLevel, toggle } from "./media-controls.ts"
import { linkTo, roomInLink } from "./room-name.ts"
import { fillIn, isWord, word } from "./words.ts"

interface Running {
  room: string
  call: Call
  view: CallView
  end(): void
}

/** 5 s between two questions whether one is let in (examples/waiting-room.ts): nobody is disturbed by them. */
const ASK_AGAIN_MS = 5_000
/** Close codes of the server (docs/protocol.md): it restarts; it is full. */
const GOING_AWAY = 1001
const FULL = 1013

document.documentElement.lang = language
fillIn(document)

const media = new LocalMedia()
const lobby = new Lobby(media)
const chat = new ChatView()
const shortcuts = find("#shortcuts", HTMLDialogElement)
const devices = find("#devices-dialog", HTMLDialogElement)
let running: Running | undefined

setUpTheme(actions("theme"), (button, theme) => {
  setIcon(button, `theme-${theme}`)
  button.title = button.ariaLabel = word(`colours_${theme}`)
})
setUpMediaControls(media)
setUpDevices(media)
lobby.onEnter = (room, name) => void enter(room, name)
wireActions()
addEventListener("hashchange", () => {
  const room = roomInLink(location.hash)
  if (running !== undefined && running.room === room) return
  leave()
  lobby.show(room === "" ? "new" : "invited", room)
})
addEventListener("keydown", onKey)
document.addEventListener("visibilitychange", () => document.hidden || keepAwake())
// A closed tab leaves at once; one that comes back from the browser's cache starts over.
addEventListener("pagehide", () => running?.call.end())
addEventListener("pageshow", ({ persisted }) => persisted && location.reload())
setInterval(() => lobby.isShown && showOwnLevel(media.level()), 120)

const first = roomInLink(location.hash)
lobby.show(first === "" ? "new" : "invited", first)
void media.start()

async function enter(room: string, name: string): Promise<void> {
  lobby.setBusy(true)
  lobby.setProblem("")
  const call = new Call(new SignalingClient(socketAddress()), media)
  const view = new CallView(call, chat, room, name)
  const end = () => {
    call.end()
    view.remove()
  }
  let why = ""
  let failures = 0
  const cancelled = new Promise<true>((resolve) => {
    lobby.onCancel = () => resolve(true)
  })
  void cancelled.then(() => call.client.leave())
  call.client.on("state", async (state) => {
    if (state.name !== "waiting" || !lobby.isShown) return
    why = await explainSilence(state.code, ++failures)
    if (lobby.isBusy) lobby.setProblem(why)
  })
  try {
    while (!(await isLetIn(call, room, name))) {
      lobby.setProblem(word("waiting"))
      const next = new Promise<false>((resolve) => setTimeout(resolve, ASK_AGAIN_MS, false))
      if (await Promise.race([cancelled, next])) throw new SignalingError("left", "no longer wanted")
    }
  } catch (error) {
    end()
    lobby.setBusy(false)
    const refusal = error instanceof SignalingError ? error : new SignalingError("internal", String(error))
    lobby.setProblem(refusal.id === "left" ? "" : explainRefusal(refusal, why))
    return
  }
  running = { room, call, view, end }
  if (roomInLink(location.hash) !== room) history.pushState(null, "", linkTo(room))
  lobby.setProblem("")
  lobby.hide()
  view.show()
  keepAwake()
}

/** False while the host is asked. */
async function isLetIn(call: Call, room: string, name: string): Promise<boolean> {
  try {
    await call.join(room, name)
    return true
  } catch (error) {
    if (error instanceof SignalingError && error.id === "waiting_for_host") return false
    throw error
  }
}

/** What stopped a connection from being made says more than that the time is over. */
function explainRefusal({ id, message }: SignalingError, why: string): string {
  if (id === "timeout" && why !== "") return why.replace(word("again"), "").trim()
  const name = `refused_${id}`
  return isWord(name) ? word(name) : word("refused", { why: message })
}

/**
 * A browser tells a page nothing of a handshake that was refused; whether the server is ready tells it. Only from the
 * second time on, for it may just have come back.
 */
async function explainSilence(code: number, times: number): Promise<string> {
  if (code === FULL) return `${word("server_full")} ${word("again")}`
  const ready = await fetch("readyz", { cache: "no-store" }).catch(() => undefined)
  if (ready?.ok && code !== GOING_AWAY) return times < 2 ? "" : word("server_refuses_page", { origin: location.origin })
  const isComing = ready?.status === 503 || code === GOING_AWAY
  return `${word(isComing ? "server_restarting" : "server_silent")} ${word("again")}`
}

function leave(): void {
  void media.shareScreen(false)
  running?.end()
  running = undefined
}

/** Copies the link to this room, and says so. */
async function copyLink(room: string): Promise<void> {
  toast(word((await copyText(linkTo(room))) ? "copied" : "copy_not_allowed"))
}

function wireActions(): void {
  const on = (action: string, act: () => void) => {
    for (const button of actions(action)) button.addEventListener("click", act)
  }
  on("copy", () => running && void copyLink(running.room))
  on("chat", () => chat.toggle())
  on("shortcuts", () => shortcuts.showModal())
  on("devices", () => devices.showModal())
  on("flip", () => void media.flip())
  on("leave", () => {
    const room = running?.room ?? ""
    leave()
    lobby.show("left", room)
  })
  find("#other-room", HTMLButtonElement).addEventListener("click", () => {
    location.hash = ""
  })
  const share = find("#share", HTMLButtonElement)
  share.hidden = !("share" in navigator)
  share.addEventListener("click", () => {
    if (running !== undefined) void navigator.share({ url: linkTo(running.room) }).catch(() => undefined)
  })
}

function onKey(event: KeyboardEvent): void {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
  if (event.key === "Escape") chat.toggle(false)
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || shortcuts.open || devices.open) return
  const key = event.key.toLowerCase()
  if (key === "m") void toggle(media, "microphone")
  else if (key === "v") void toggle(media, "camera")
  else if (running === undefined) return
  else if (key === "c") chat.toggle()
  else if (key === "s") void shareScreen(media)
  else if (key === "l") void copyLink(running.room)
  else if (key === "?") shortcuts.showModal()
  else return
  // The letter itself would land in the chat field that just got the focus.
  event.preventDefault()
}

/** The socket is where the page is: same host, same path, so it works behind a proxy under any sub-path. */
function socketAddress(): string {
  const address = new URL(location.href)
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:"
  address.hash = ""
  return address.href
}

/** A phone would switch its screen off while its owner only looks and talks. The browser drops the lock when the tab is hidden. */
function keepAwake(): void {
  if (running !== undefined) void navigator.wakeLock?.request("screen").catch(() => undefined)
}

addEventListener("unhandledrejection", ({ reason }) => {
  console.error(reason)
  toast(word("wrong"))
})
