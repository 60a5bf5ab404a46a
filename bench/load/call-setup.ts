// The real mix: two browsers connect and join, one offers, the other answers, each sends 20 candidates, both go.
// One operation is one call set up. Latency is from the first connect to the last candidate.

import { type Connection, type FrameHandler, makeFrame } from "./connection.ts"
import type { Tally } from "./counted-stream.ts"
import { DIALECTS, type End } from "./dialects.ts"
import { type LoadRequest, type LoadResult, makeTally, measureTurns } from "./measure.ts"
import { answerData, candidateData, offerData } from "./payloads.ts"

const CANDIDATES = 20
const candidates = Array.from({ length: CANDIDATES }, candidateData)
const CALLER_LINES = [offerData(), ...candidates]
const CALLEE_LINES = [answerData(), ...candidates]

/** Listens at one end: answers the offer when it comes, checks every line, says when the last one was heard. */
class Listener implements FrameHandler {
  readonly heardAll: Promise<void>
  readonly #answer: Buffer | null
  readonly #expected: readonly string[]
  readonly #tally: Tally
  readonly #onHeardAll: () => void
  #heard = 0

  constructor(expected: readonly string[], answer: Buffer | null, tally: Tally) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.heardAll = promise
    this.#onHeardAll = resolve
    this.#expected = expected
    this.#answer = answer
    this.#tally = tally
  }

  onFrame(connection: Connection, bytes: Buffer, start: number, length: number): void {
    const line = bytes.toString("utf8", start, start + length)
    if (line !== this.#expected[this.#heard]) this.#complain(line)
    this.#heard++
    if (this.#heard === 1 && this.#answer) connection.write(this.#answer)
    if (this.#heard === this.#expected.length) this.#onHeardAll()
  }

  onChunkEnd(): void {}

  onClose(): void {
    this.#complain("the server closed the connection")
  }

  #complain(what: string): void {
    this.#tally.wrong++
    this.#tally.firstWrong ||= what.slice(0, 300)
  }
}

const gone: FrameHandler = { onFrame() {}, onChunkEnd() {}, onClose() {} }

function toFrames(end: End, lines: readonly object[]): Buffer {
  return Buffer.concat(lines.map((data) => makeFrame(end.toSent(data))))
}

async function call({ dialect, addresses }: LoadRequest, tally: Tally): Promise<void> {
  const started = Bun.nanoseconds()
  const [caller, callee] = await DIALECTS[dialect].openEnds(addresses, crypto.randomUUID())
  const atCaller = new Listener(CALLEE_LINES.map(caller.toReceived), null, tally)
  const atCallee = new Listener(CALLER_LINES.map(callee.toReceived), toFrames(callee, CALLEE_LINES), tally)
  caller.connection.handler = atCaller
  callee.connection.handler = atCallee
  caller.connection.write(toFrames(caller, CALLER_LINES))
  await Promise.all([atCaller.heardAll, atCallee.heardAll])
  for (const { connection } of [caller, callee]) {
    connection.handler = gone
    connection.close()
  }
  tally.latency.add(Bun.nanoseconds() - started)
  tally.completed++
}

/** Runs the call set-up scenario: `rooms` calls at a time. */
export function callSetup(request: LoadRequest): Promise<LoadResult> {
  const tally = makeTally()
  return measureTurns(request, tally, "stuck calls", () => call(request, tally))
}
