// The chat panel: what was written, what is being written, and how much was not read yet.
import { language } from "../speak.ts"
import { find } from "./dom.ts"
import { word } from "./words.ts"

/** 500 messages: days of talk; the oldest go first so that a forgotten tab does not grow. */
const MAX_MESSAGES = 500
const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g

export class ChatView {
  readonly #panel = find("#chat", HTMLElement)
  readonly #toggle = find("[aria-controls=chat]", HTMLButtonElement)
  readonly #log = find("#chat-log", HTMLElement)
  readonly #scroll = find("#chat-scroll", HTMLElement)
  readonly #input = find("#chat-text", HTMLInputElement)
  readonly #unread = find("#unread", HTMLElement)
  #unreadCount = 0
  #lastSender = ""
  /** Called with what the person wrote. */
  onSend: (text: string) => void = () => undefined

  constructor() {
    // Scrolled by keyboard, too.
    this.#scroll.tabIndex = 0
    find("#chat-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault()
      const text = this.#input.value.trim()
      if (text === "") return
      this.#input.value = ""
      this.onSend(text)
    })
  }

  get isOpen(): boolean {
    return !this.#panel.hidden
  }

  toggle(open = !this.isOpen): void {
    if (open === this.isOpen) return
    this.#panel.hidden = !open
    this.#toggle.setAttribute("aria-expanded", String(open))
    if (open) {
      this.#setUnread(0)
      this.#input.focus()
      this.#scroll.scrollTop = this.#scroll.scrollHeight
    } else this.#toggle.focus()
  }

  add(sender: string, text: string, own: boolean): void {
    const message = document.createElement("li")
    message.classList.toggle("own", own)
    // One heading for messages that follow each other.
    if (sender !== this.#lastSender) message.append(heading(sender))
    this.#lastSender = sender
    const body = document.createElement("p")
    body.append(...withLinks(text))
    message.append(body)
    this.#log.append(message)
    while (this.#log.childElementCount > MAX_MESSAGES) this.#log.firstElementChild?.remove()
    this.#scroll.scrollTop = this.#scroll.scrollHeight
    find("#chat-empty", HTMLElement).hidden = true
    if (!own && !this.isOpen) this.#setUnread(this.#unreadCount + 1)
  }

  clear(): void {
    this.#log.replaceChildren()
    this.#lastSender = ""
    this.#setUnread(0)
    find("#chat-empty", HTMLElement).hidden = false
  }

  #setUnread(count: number): void {
    this.#unreadCount = count
    this.#unread.hidden = count === 0
    this.#unread.textContent = count > 9 ? "9+" : String(count)
    this.#unread.setAttribute("aria-label", word("unread", { count }))
  }
}

function heading(sender: string): HTMLElement {
  const line = document.createElement("h3")
  const time = document.createElement("time")
  time.textContent = new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" })
  line.append(`${sender} `, time)
  return line
}

/** Text nodes and anchors, never markup: what others write is shown, not run. */
function withLinks(text: string): (string | HTMLAnchorElement)[] {
  const parts: (string | HTMLAnchorElement)[] = []
  let end = 0
  for (const match of text.matchAll(LINK)) {
    const anchor = document.createElement("a")
    anchor.href = anchor.textContent = match[0]
    anchor.target = "_blank"
    anchor.rel = "noopener noreferrer"
    parts.push(text.slice(end, match.index), anchor)
    end = match.index + match[0].length
  }
  return [...parts, text.slice(end)]
}
