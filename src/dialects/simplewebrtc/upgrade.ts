// A WebSocket by which a client that polls wants to go on: until it says so, the client polls, and nothing else is taken
// from the socket; then the socket is its connection's.

import type { Clock } from "../../clock.ts"
import { CLOSE, type Close } from "../../connections/close.ts"
import type { Socket } from "../../connections/socket.ts"
import type { SocketUser } from "../contract.ts"
import { PROBE, PROBE_ANSWER, UPGRADE } from "./packets.ts"
import type { PollingSession } from "./session.ts"

/** 10 s, as in the original: a client waits for its last GET only. */
export const UPGRADE_MS = 10_000

/** See the head of this file. */
export class Upgrade implements SocketUser {
  readonly receiver: SocketUser["receiver"]
  readonly #session: PollingSession
  readonly #clock: Clock
  readonly #port: number
  #socket: Socket | undefined
  #cancelTimer: () => void = () => {}
  readonly #onUpgraded: () => void
  #isMine = false

  /**
   * @param port of its client, or of a proxy
   * @param onUpgraded the client polls no more
   */
  constructor(session: PollingSession, clock: Clock, port: number, onUpgraded: () => void) {
    this.#port = port
    this.#onUpgraded = onUpgraded
    this.receiver = session.connection.receiver
    this.#session = session
    this.#clock = clock
  }

  onOpen(socket: Socket): void {
    this.#socket = socket
    const { isClosed, isUpgraded, isUpgrading } = this.#session
    if (isClosed || isUpgraded || isUpgrading) {
      this.close(CLOSE.protocol)
      return
    }
    this.#session.isUpgrading = true
    this.#isMine = true
    this.#cancelTimer = this.#clock.after(UPGRADE_MS, () => this.close(CLOSE.silent))
  }

  onMessage(text: string): void {
    const session = this.#session
    if (!this.#isMine) return
    if (session.isUpgraded) session.connection.onMessage(text)
    else if (session.isClosed) this.close(CLOSE.protocol)
    else if (text === PROBE) {
      this.#socket?.send(PROBE_ANSWER)
      session.pause()
    } else if (text === UPGRADE && this.#socket !== undefined) {
      this.#cancelTimer()
      session.moveTo(this.#socket, this.#port)
      this.#onUpgraded()
    } else this.close(CLOSE.protocol)
  }

  onPong(): void {
    if (this.#isMine && this.#session.isUpgraded) this.#session.connection.onPong()
  }

  onClose(code: number): void {
    this.#cancelTimer()
    if (!this.#isMine) return
    if (this.#session.isUpgraded) this.#session.connection.onClose(code)
    else this.#session.resume()
  }

  close({ code, reason }: Close): void {
    this.#socket?.close(code, reason)
  }
}
