// How two processes of this program on one machine talk when one takes the other's place: lines of JSON over a Unix socket.

import type { Socket } from "node:net"

/** Longest line before the state: a hello. */
export const HELLO_CHARACTERS = 4_096

/** See the head of this file. */
export class LineSocket {
  /** Longest line that is taken; who sends a longer one is cut off. */
  maxCharacters = HELLO_CHARACTERS
  readonly #socket: Socket
  readonly #lines: string[] = []
  /** Pieces of the line that is not complete. */
  #pieces: string[] = []
  #characters = 0
  #isOver = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding("utf8")
    socket.on("data", (text: string) => this.#read(text))
    const end = (): void => {
      this.#isOver = true
      this.#wake()
    }
    for (const event of ["end", "close", "error"] as const) socket.on(event, end)
  }

  /** The next line, as the JSON object that it is and as text; undefined when none comes within `ms`, or no object. */
  async next(ms: number): Promise<{ readonly text: string; readonly fields: Record<string, unknown> } | undefined> {
    if (this.#lines.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const text = this.#lines.shift()
    try {
      const fields = text === undefined ? undefined : JSON.parse(text)
      return typeof fields === "object" && fields !== null ? { text: text ?? "", fields } : undefined
    } catch {
      return undefined
    }
  }

  /** Sends a line. */
  say(line: object | string): void {
    this.#socket.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(text: string): void {
    const [first = "", ...rest] = text.split("\n")
    this.#characters += first.length
    this.#pieces.push(first)
    for (const piece of rest) {
      this.#lines.push(this.#pieces.join(""))
      this.#pieces = [piece]
      this.#characters = piece.length
    }
    if (this.#characters > this.maxCharacters || this.#lines.length > MOST_LINES) this.close()
    if (this.#lines.length > 0) this.#wake()
  }
}

/** 4: nobody says more before the other has answered. */
const MOST_LINES = 4
