// The demo call, put together: media, lobby, call, keys. Follows the link: #room names the room.
import { SignalingClient, SignalingError } from "../../client/index.ts"
import { Call } from "./call.ts"
import { CallView, copyLink } from "./call-view.ts"
import { ChatView } from "./chat-view.ts"
import { actions, find, toast } from "./dom.ts"
import { Lobby } from "./lobby.ts"
import { LocalMedia } from "./media.ts"
import { setUpMediaControls, showOwnLevel, toggle } from "./media-controls.ts"
import { linkTo, roomInLink } from "./room-name.ts"
import { setUpTheme } from "./theme.ts"

interface Running {
  room: string
  call: Call
  view: CallView
  end(): void
}

const REFUSALS: Record<string, string> = {
  room_full: "This room is full.",
  unauthorized: "This room asks for an invitation, and yours is not valid (any more).",
  rate_limited: "Too many attempts. Wait a moment, then try again.",
  unavailable: "The server is busy with itself. Try again in a moment.",
  timeout: "The server cannot be reached. Is the network there?",
}

const media = new LocalMedia()
const lobby = new Lobby(media)
const chat = new ChatView()
const shortcuts = find("#shortcuts", HTMLDialogElement)
let running: Running | undefined

setUpTheme()
setUpMediaControls(media)
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
void media.start({ camera: true, microphone: true })

async function enter(room: string, name: string): Promise<void> {
  lobby.setBusy(true)
  lobby.setProblem("")
  const call = new Call(new SignalingClient(socketAddress()), media)
  const view = new CallView(call, chat, room, name)
  const end = () => {
    call.end()
    view.remove()
  }
  call.client.on("state", ({ name: state }) => {
    if (state === "waiting" && lobby.isShown) lobby.setProblem("The server does not answer. Trying again…")
  })
  try {
    await call.join(room, name)
  } catch (error) {
    end()
    lobby.setBusy(false)
    const refusal = error instanceof SignalingError ? error : new SignalingError("internal", String(error))
    lobby.setProblem(REFUSALS[refusal.id] ?? `The server refused: ${refusal.message}.`)
    return
  }
  running = { room, call, view, end }
  if (roomInLink(location.hash) !== room) history.pushState(null, "", linkTo(room))
  lobby.setProblem("")
  lobby.hide()
  view.show()
  keepAwake()
}

function leave(): void {
  running?.end()
  running = undefined
}

function wireActions(): void {
  const on = (action: string, act: () => void) => {
    for (const button of actions(action)) button.addEventListener("click", act)
  }
  on("copy", () => running && void copyLink(running.room))
  on("chat", () => chat.toggle())
  on("shortcuts", () => shortcuts.showModal())
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
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || shortcuts.open) return
  const key = event.key.toLowerCase()
  if (key === "m") void toggle(media, "microphone")
  else if (key === "v") void toggle(media, "camera")
  else if (running === undefined) return
  else if (key === "c") chat.toggle()
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
  toast("Something went wrong on this page")
})
