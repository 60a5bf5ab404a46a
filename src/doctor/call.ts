// A call set up through the address that browsers use, with the client they use: two of it meet in a room of their own,
// and exchange what it takes. First by hand, as that says more when it fails.

import { SignalingClient } from "../client/index.ts"
import { DEADLINE_MS, type Finding, reasonOf, withDeadline } from "./finding.ts"
import { shakeHands } from "./handshake.ts"
import type { OtherClock } from "./machine.ts"

/** One attempt and no more: what fails is told, not tried again. */
const TIMING = { connectMs: DEADLINE_MS, requestMs: DEADLINE_MS, retry: { firstMs: 60_000, longestMs: 60_000 } }

/** Candidates each way, as a browser with two networks has them. */
const CANDIDATES = 10

/** Makes an access token for a room. */
export type MakeToken = (room: string) => Promise<string>

/** What was found, and the clock of who answered. */
export interface CallReport {
  readonly findings: Finding[]
  readonly clock: OtherClock | undefined
}

/**
 * Sets a call up.
 * @param origin of the page that is served there
 * @param isPublic whether the certificate must be one that browsers accept
 * @param makeToken for a room, where the server asks for tokens; "unknown" where only somebody else can make one
 */
export async function checkCall(
  url: URL,
  origin: string | undefined,
  isPublic: boolean,
  makeToken: MakeToken | "unknown" | undefined,
): Promise<CallReport> {
  const what = `call over ${url.protocol}//${url.host}${url.pathname}`
  let clock: OtherClock | undefined
  try {
    const { status, milliseconds, date } = await shakeHands(url, origin, isPublic)
    // The header is in whole seconds, cut off.
    if (date !== undefined) clock = { whose: url.host, at: date + 500, seenAt: Date.now(), errorMs: 500 + milliseconds }
    if (status !== 101) return { findings: [refused(what, url, status, origin)], clock }
  } catch (cause) {
    return { findings: [unreachable(what, url, cause)], clock }
  }
  if (makeToken === "unknown") {
    const result = "it can be reached; a call needs a token, which only the owner of --auth-jwks can make"
    return { findings: [{ verdict: "skipped", what, result }], clock }
  }
  try {
    const milliseconds = await withDeadline(setUp(url.href, origin, isPublic, makeToken))
    return { findings: [{ verdict: "ok", what, result: `set up in ${milliseconds.toFixed(0)} ms` }], clock }
  } catch (cause) {
    const advice = "it connects, but is not served: the log of the server says why"
    return { findings: [{ verdict: "bad", what, result: reasonOf(cause), advice }], clock }
  }
}

/** Two clients, a room nobody else knows, offer, answer, candidates: how long it took, in milliseconds. */
async function setUp(
  url: string,
  origin: string | undefined,
  isPublic: boolean,
  makeToken: MakeToken | undefined,
): Promise<number> {
  const begin = performance.now()
  const browserSocket = globalThis.WebSocket
  // Bun's WebSocket takes what a browser sets by itself, the origin, as a further argument.
  const options = { headers: origin === undefined ? {} : { origin }, tls: { rejectUnauthorized: isPublic } }
  globalThis.WebSocket = class extends browserSocket {
    constructor(address: string | URL) {
      super(address, options as unknown as string[])
    }
  } as typeof WebSocket
  const room = `doctor-${crypto.randomUUID().slice(0, 32)}`
  const client = { ...TIMING, ...(makeToken === undefined ? {} : { token: () => makeToken(room) }) }
  const caller = new SignalingClient(url, client)
  const callee = new SignalingClient(url, client)
  try {
    await callee.join(room)
    const heard = new Promise<void>((resolve) => {
      callee.on("relayed", ({ peerId, message }) => {
        if (message.event === "offer") callee.send(peerId, { event: "answer", sdp: "v=0" })
        else callee.send(peerId, message)
      })
      let candidates = 0
      caller.on("relayed", ({ peerId, message }) => {
        if (message.event === "answer") {
          for (let candidate = 0; candidate < CANDIDATES; candidate++)
            caller.send(peerId, {
              event: "ice_candidate",
              candidate: { candidate: `candidate:${candidate}`, sdpMLineIndex: 0 },
            })
        } else if (++candidates === CANDIDATES) resolve()
      })
    })
    const { peers } = await caller.join(room)
    const [peer] = peers.keys()
    if (peer === undefined)
      throw new Error("two clients came into one room, and did not meet: do all nodes use one Redis?")
    caller.send(peer, { event: "offer", sdp: "v=0" })
    await heard
    return performance.now() - begin
  } finally {
    caller.close()
    callee.close()
    globalThis.WebSocket = browserSocket
  }
}

function refused(what: string, url: URL, status: number, origin: string | undefined): Finding {
  return {
    verdict: "bad",
    what,
    result: `the handshake was answered with ${status}`,
    advice: adviceFor(url, status, origin),
  }
}

function adviceFor(url: URL, status: number, origin: string | undefined): string {
  if (status === 403)
    return `add --origin ${origin ?? `https://${url.host}`}, or let the proxy pass Origin on as it came`
  if (status === 502 || status === 504)
    return "the proxy does not reach the server: is it running, at the address the proxy has?"
  if (status === 503) return "the server shuts down or is full: look at /readyz and --max-connections"
  if (status === 200 || status === 400 || status === 426)
    return "the proxy must pass Upgrade and Connection on: see deploy/nginx"
  if (status === 404) return "is the path the one that the proxy hands to the server?"
  return "does this address lead to palava-machine?"
}

function unreachable(what: string, url: URL, cause: unknown): Finding {
  const reason = reasonOf(cause)
  const advice = reason.includes("certificate")
    ? "browsers refuse it too: give fullchain.pem of a certificate for this name"
    : `does ${url.hostname} lead to this machine or its proxy, and does the firewall let port ${url.port || (url.protocol === "wss:" ? 443 : 80)} through?`
  return { verdict: "bad", what, result: reason, advice }
}
