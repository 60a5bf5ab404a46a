// What the client of a page finds around it, on simulated time: timers, the clock, chance, and WebSocket (and what a node waits with as it stops). It takes the place of
// this process's own for as long as a run lasts, which is one call: nothing else runs meanwhile.

import type { Random } from "../../helpers/random.ts"
import type { VirtualTime } from "../../helpers/virtual-time.ts"

/** What a run puts around its clients. */
export interface Page {
  readonly time: VirtualTime
  readonly random: Random
  /** A client opens a connection; `socket` is told what becomes of it. */
  dial(url: URL, socket: PageSocket): PageWire
}

/** What a socket of the page is the end of. */
export interface PageWire {
  send(text: string): void
  close(): void
}

/** A WebSocket as far as the client uses it. */
export class PageSocket {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 3
  readyState: number = PageSocket.CONNECTING
  readonly bufferedAmount = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  readonly #wire: PageWire

  constructor(url: string, page: Page) {
    this.#wire = page.dial(new URL(url), this)
  }

  send(text: string): void {
    if (this.readyState === PageSocket.OPEN) this.#wire.send(text)
  }

  close(): void {
    if (this.readyState === PageSocket.CLOSED) return
    this.readyState = PageSocket.CLOSED
    this.#wire.close()
  }
}

/** Runs `run` in a page. */
export function inPage<T>(page: Page, run: () => T): T {
  const { time, random } = page
  const own = { setTimeout, clearTimeout, WebSocket }
  const { random: ownRandom } = Math
  const { now: ownNow } = performance
  const { sleep: ownSleep } = Bun
  // A timer is what stops it.
  const simulated: object = {
    setTimeout: (act: () => void, ms = 0) => time.after(ms, act),
    clearTimeout: (stop?: () => void) => stop?.(),
    WebSocket: class extends PageSocket {
      constructor(url: string) {
        super(url, page)
      }
    },
  }
  try {
    Object.assign(globalThis, simulated)
    Math.random = () => random.next()
    performance.now = () => time.now
    Bun.sleep = (ms) => new Promise((resolve) => time.after(Number(ms), resolve))
    return run()
  } finally {
    Object.assign(globalThis, own)
    Math.random = ownRandom
    performance.now = ownNow
    Bun.sleep = ownSleep
  }
}
