// What a membership needs to be taken over by another connection without a gap: how many frames came from the server,
// and the frames to it that it may not have yet. Knows no socket and no time. docs/protocol.md, "Coming back as oneself".

// 256 frames and 256 Ki characters: as much as the server keeps for us. An acknowledgement comes with every pong.
const MAX_FRAMES = 256
const MAX_CHARACTERS = 262_144

// A quarter of both: with three quarters left, the pong is back long before the log is full.
const TELL_FRAMES = MAX_FRAMES / 4
const TELL_CHARACTERS = MAX_CHARACTERS / 4

export class FrameLog {
  /** How many frames of the server have come. */
  received = 0
  #receivedCharacters = 0
  #told = 0
  /** Sent or waiting to be sent, oldest first, up to number `#last`. */
  readonly #kept: string[] = []
  #keptCharacters = 0
  #last = 0

  /** Counts a frame of the server. */
  count(text: string): void {
    this.received++
    this.#receivedCharacters += text.length
  }

  /** The number to tell the server, as told from now on. */
  tell(): number {
    this.#told = this.received
    this.#receivedCharacters = 0
    return this.received
  }

  /** Whether one of the two sides could forget frames, if only they spoke about it. */
  get isTellDue(): boolean {
    return (
      this.received - this.#told >= TELL_FRAMES ||
      this.#receivedCharacters >= TELL_CHARACTERS ||
      this.#kept.length >= TELL_FRAMES ||
      this.#keptCharacters >= TELL_CHARACTERS
    )
  }

  /** Whether a frame can be kept without losing another. */
  hasRoomFor(text: string): boolean {
    return this.#kept.length < MAX_FRAMES && this.#keptCharacters + text.length <= MAX_CHARACTERS
  }

  /** Keeps the next frame; over the bound the oldest are lost, which `after` tells. */
  keep(text: string): void {
    this.#last++
    this.#kept.push(text)
    this.#keptCharacters += text.length
    while (this.#kept.length > MAX_FRAMES || this.#keptCharacters > MAX_CHARACTERS) this.#forgetOldest()
  }

  /** The server has so many of our frames. */
  acknowledge(received: number): void {
    while (this.#kept.length > 0 && this.#last - this.#kept.length < received) this.#forgetOldest()
  }

  /** The frames that follow those the server has; undefined when one of them is gone, or was never sent. */
  after(received: number): readonly string[] | undefined {
    const missing = this.#last - received
    return missing >= 0 && missing <= this.#kept.length ? this.#kept.slice(this.#kept.length - missing) : undefined
  }

  /** Forgets what was sent: the next frame follows those the server has. */
  skipTo(received: number): void {
    this.acknowledge(this.#last)
    this.#last = received
  }

  #forgetOldest(): void {
    this.#keptCharacters -= this.#kept.shift()?.length ?? 0
  }
}
