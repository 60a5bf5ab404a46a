// How two processes of this program on one machine talk when one takes the other's place: lines of JSON over a Unix socket.

import type { Socket } from "node:net"

/** 4,096 characters: a hello has a hundred. Who says more is cut off. */
const MOST_CHARACTERS = 4_096

/** See the head of this file. */
export class LineSocket {
  readonly #socket: Socket
  #text = ""
  #isOver = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding("utf8")
    socket.on("data", (text: string) => {
      this.#text += text
      if (this.#text.length > MOST_CHARACTERS) this.close()
      else if (this.#text.includes("\n")) this.#wake()
    })
    const end = (): void => {
      this.#isOver = true
      this.#wake()
    }
    for (const event of ["end", "close", "error"] as const) socket.on(event, end)
  }

  /** The next line, as the JSON object that it is; undefined when none comes within `ms`, or no object. */
  async next(ms: number): Promise<Record<string, unknown> | undefined> {
    if (!this.#text.includes("\n") && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const end = this.#text.indexOf("\n")
    const line = this.#text.slice(0, Math.max(0, end))
    this.#text = this.#text.slice(end + 1)
    try {
      const fields = JSON.parse(line)
      return typeof fields === "object" && fields !== null ? fields : undefined
    } catch {
      return undefined
    }
  }

  /** Sends a line. */
  say(fields: object): void {
    this.#socket.write(`${JSON.stringify(fields)}\n`)
  }

  close(): void {
    this.#socket.destroy()
  }
}
