// Small helpers around the document: finding what index.html promises, saying things aloud.

/** The element `selector` names. Missing or of another kind is a mistake in index.html and stops the page. */
export function find<T extends Element>(selector: string, kind: abstract new () => T, root: ParentNode = document): T {
  const element = root.querySelector(selector)
  if (!(element instanceof kind)) throw new Error(`index.html lacks ${selector}`)
  return element
}

/** All elements with this `data-action`; the same action stands in the lobby and in the call. */
export function actions(name: string): HTMLButtonElement[] {
  return [...document.querySelectorAll<HTMLButtonElement>(`button[data-action="${name}"]`)]
}

/** Shows one of the sprite's icons in the `<use>` of this element. */
export function setIcon(element: Element, icon: string): void {
  element.querySelector("use")?.setAttribute("href", `#i-${icon}`)
}

/** Says it to a screen reader without showing it. */
export function announce(text: string): void {
  find("#announcer", HTMLElement).textContent = text
}

// 4 s: long enough to read ten words, short enough not to cover a face.
const TOAST_MS = 4_000
/** Four at a time: more would climb over the picture on a phone. */
const MAX_TOASTS = 4

/** Shows a short notice at the bottom, and says it. */
export function toast(text: string): void {
  announce(text)
  const toasts = find("#toasts", HTMLElement)
  const note = document.createElement("p")
  note.textContent = text
  toasts.append(note)
  while (toasts.childElementCount > MAX_TOASTS) toasts.firstElementChild?.remove()
  setTimeout(() => note.remove(), TOAST_MS)
}

/** Copies text; on pages without https the clipboard is only reachable the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement("textarea")
    area.value = text
    area.className = "visually-hidden"
    document.body.append(area)
    area.select()
    const copied = document.execCommand("copy")
    area.remove()
    return copied
  }
}
