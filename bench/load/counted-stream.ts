// A stream of numbered messages from one connection to one or many others, never more than `window` under way.
//
// The frames are made once; only the digits of the counter change. Whoever receives checks the digits, the length, and
// now and then the whole text, so a message that is lost, doubled, out of order or wrong is an error of the run and not
// a better figure.

import type { Connection, FrameHandler } from "./connection.ts"
import { makeFrame } from "./connection.ts"
import type { Histogram } from "./histogram.ts"
import { DIGITS, MARKER } from "./payloads.ts"

/** What all streams of a run add up. */
export interface Tally {
  sent: number
  /** Messages that have reached everyone they should. */
  completed: number
  /** Received frames, each receiver counted. */
  deliveries: number
  /** Frames that were not what they had to be. */
  wrong: number
  /** The first wrong frame, for the report. */
  firstWrong: string
  latency: Histogram
}

/** Each how many-th frame is compared as a whole text. */
const SAMPLE_EVERY = 1024
const ZERO = 48

function writeCounter(bytes: Uint8Array, at: number, value: number): void {
  let left = value
  for (let digit = at + DIGITS - 1; digit >= at; digit--) {
    const tens = Math.floor(left / 10)
    bytes[digit] = ZERO + left - tens * 10
    left = tens
  }
}

function readCounter(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let digit = at; digit < at + DIGITS; digit++) value = value * 10 + (bytes[digit] as number) - ZERO
  return value
}

/** Sends from one connection; made ready by `receivedBy` for each that must hear it. */
export class CountedStream {
  readonly #sender: Connection
  readonly #tally: Tally
  readonly #isRight: (received: string) => boolean
  readonly #frames: Buffer
  readonly #frameLength: number
  readonly #counterAt: number
  readonly #window: number
  /** When each message under way was sent, by its number modulo the window. */
  readonly #sentAt: Float64Array
  /** How many receivers each message under way still has to reach. */
  readonly #missing: Uint32Array
  #receivers = 0
  #next = 0
  #due = 0
  #stopped = false

  constructor(sender: Connection, text: string, window: number, tally: Tally, isRight: (received: string) => boolean) {
    const frame = makeFrame(text)
    this.#sender = sender
    this.#tally = tally
    this.#isRight = isRight
    this.#window = window
    this.#frameLength = frame.length
    this.#frames = Buffer.concat(Array.from({ length: window }, () => frame))
    this.#counterAt = frame.indexOf(MARKER) + MARKER.length
    this.#sentAt = new Float64Array(window)
    this.#missing = new Uint32Array(window)
  }

  /** Makes `connection` a receiver. What it does not expect (`isOther`) it may ignore. */
  receivedBy(connection: Connection, isOther: (text: string) => boolean = () => false): void {
    this.#receivers++
    connection.handler = new Receiver(this, this.#tally, this.#isRight, isOther)
  }

  /** Fills the window. */
  start(): void {
    this.#due = this.#window
    this.sendDue()
  }

  /** Sends no more; what is under way still arrives. */
  stop(): void {
    this.#stopped = true
  }

  /** A receiver has message `number`. */
  arrived(number: number, now: number): void {
    const slot = number % this.#window
    const missing = (this.#missing[slot] as number) - 1
    this.#missing[slot] = missing
    if (missing > 0) return
    this.#tally.completed++
    this.#tally.latency.add(now - (this.#sentAt[slot] as number))
    this.#due++
  }

  /** Sends as many as have been completed, in one write. */
  sendDue(): void {
    const due = this.#due
    if (due === 0 || this.#stopped) return
    this.#due = 0
    const now = Bun.nanoseconds()
    for (let copy = 0; copy < due; copy++) {
      const number = this.#next++
      const slot = number % this.#window
      this.#sentAt[slot] = now
      this.#missing[slot] = this.#receivers
      writeCounter(this.#frames, copy * this.#frameLength + this.#counterAt, number)
    }
    this.#tally.sent += due
    this.#sender.write(due === this.#window ? this.#frames : this.#frames.subarray(0, due * this.#frameLength))
  }
}

/** One receiving end of a stream. */
class Receiver implements FrameHandler {
  readonly #stream: CountedStream
  readonly #tally: Tally
  readonly #isRight: (received: string) => boolean
  readonly #isOther: (text: string) => boolean
  #expected = 0
  #length = -1
  #counterAt = 0
  #now = 0

  constructor(
    stream: CountedStream,
    tally: Tally,
    isRight: (received: string) => boolean,
    isOther: (text: string) => boolean,
  ) {
    this.#stream = stream
    this.#tally = tally
    this.#isRight = isRight
    this.#isOther = isOther
  }

  onFrame(_connection: Connection, bytes: Buffer, start: number, length: number): void {
    const tally = this.#tally
    if (this.#expected % SAMPLE_EVERY === 0 || length !== this.#length) {
      const text = bytes.toString("utf8", start, start + length)
      const marker = text.indexOf(MARKER) + MARKER.length
      const neutral = `${text.slice(0, marker)}${"0".repeat(DIGITS)}${text.slice(marker + DIGITS)}`
      if (marker < MARKER.length || !this.#isRight(neutral)) {
        if (!this.#isOther(text)) this.#complain(text)
        return
      }
      this.#length = length
      this.#counterAt = marker
    }
    const number = readCounter(bytes, start + this.#counterAt)
    if (number !== this.#expected) {
      this.#complain(`message ${number} where ${this.#expected} was expected`)
      return
    }
    if (this.#now === 0) this.#now = Bun.nanoseconds()
    this.#expected++
    tally.deliveries++
    this.#stream.arrived(number, this.#now)
  }

  onChunkEnd(): void {
    this.#now = 0
    this.#stream.sendDue()
  }

  onClose(): void {
    this.#complain("the server closed the connection")
  }

  #complain(what: string): void {
    this.#tally.wrong++
    this.#tally.firstWrong ||= what.slice(0, 300)
  }
}
